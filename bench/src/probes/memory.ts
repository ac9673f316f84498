/**
 * Saves or restores a large checkpoint in its own process, and prints by how many bytes this raised the peak of the
 * process's resident memory.
 */
import { readFile } from 'node:fs/promises'
import { openStore } from '@holdfast/core'
import type { ProbeReport, ProbeRequest } from '../groups/memory.ts'
import { raisedBy } from './peak.ts'

const request = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as ProbeRequest
// One thread, so that machines with different numbers of processors can be compared.
await using store = await openStore(request.url, {
  mode: 'shared',
  backend: request.options,
  threads: 1,
  unchanged: 'never', // the checkpoint before has the same file
})
await store.latest()
let unchangedBytes: number | undefined
const raised = await raisedBy(async () => {
  const { step, save, to } = request
  if (save === undefined) await store.restore(step, { to })
  else ({ unchangedBytes } = await store.save({ step, files: { 'model.bin': save } }))
})
process.stdout.write(JSON.stringify({ raised, unchangedBytes } satisfies ProbeReport))
