import { readFile } from 'node:fs/promises'

/** Runs work, and returns by how many bytes it raised the peak of this process's resident memory. */
export async function raisedBy(work: () => Promise<unknown>): Promise<number> {
  const idle = await peak()
  await work()
  return (await peak()) - idle
}

/**
 * Returns the peak in bytes. `VmHWM` is that of this program alone. `maxRSS`, which Linux inherits from the parent
 * process at exec (https://man7.org/linux/man-pages/man2/getrusage.2.html), is used only where there is no `/proc`.
 */
async function peak(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS
  return Number(kibibytes) * 1024
}
