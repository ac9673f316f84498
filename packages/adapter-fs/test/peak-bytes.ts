import { existsSync, readFileSync } from 'node:fs'

/**
 * Returns the peak of resident memory in bytes. On Linux, reads it from `/proc`, because `maxRSS` starts at the peak of
 * the parent.
 */
export function peakBytes(): number {
  const status = '/proc/self/status'
  const peak = existsSync(status) ? /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1] : undefined
  return 1024 * (peak === undefined ? process.resourceUsage().maxRSS : Number(peak))
}
