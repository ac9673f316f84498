import { readFile } from 'node:fs/promises'

/** By how many bytes work raises the peak of this process's resident memory. */
export async function raisedBy(work: () => Promise<unknown>): Promise<number> {
  const idle = await peak()
  await work()
  return (await peak()) - idle
}

/** In bytes, of this program alone: the peak that the operating system tells otherwise is also that of who started it. */
async function peak(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS
  return Number(kibibytes) * 1024
}
