/**
 * Saves or restores a large checkpoint in its own process, and prints by how many bytes this raised the peak of the
 * process's resident memory.
 */
import { readFile } from 'node:fs/promises'
import { openStore } from '@holdfast/core'
import type { ProbeRequest } from '../memory.ts'
import { raisedBy } from './peak.ts'

const request = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as ProbeRequest
// One thread, so that machines with different numbers of processors can be compared.
await using store = await openStore(request.url, { mode: 'shared', backend: request.options, threads: 1 })
await store.latest()
const raised = await raisedBy(() =>
  request.save === undefined
    ? store.restore(request.step, { to: request.to })
    : store.save({ step: request.step, files: { 'model.bin': request.save } }),
)
process.stdout.write(JSON.stringify({ raised }))
