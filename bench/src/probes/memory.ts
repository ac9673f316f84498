/**
 * Saves or restores a large checkpoint in a process of its own, and prints by how many bytes that raised the peak of
 * its resident memory.
 */
import { readFile } from 'node:fs/promises'
import { openStore } from '@holdfast/core'
import type { ProbeRequest } from '../memory.ts'

const request = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as ProbeRequest
await using store = await openStore(request.url, { mode: 'shared', backend: request.options })
await store.latest()
const idle = await peak()
if (request.save === undefined) await store.restore(request.step, { to: request.to })
else await store.save({ step: request.step, files: { 'model.bin': request.save } })
const raised = (await peak()) - idle
process.stdout.write(JSON.stringify({ raised }))

/** In bytes, of this program alone: the peak that the operating system tells otherwise is also that of who started it. */
async function peak(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS
  return Number(kibibytes) * 1024
}
