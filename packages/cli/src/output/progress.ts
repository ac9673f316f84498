import { formatSize } from '@holdfast/core'
import { formatDuration } from './text.ts'

export interface Progress {
  /** Reports the bytes so far, and the total if it is known. */
  update(bytes: number, total: number | undefined): void
  stop(): void
}

/** Milliseconds between two drawings. */
const pause = 100

const barWidth = 20

/** Moves to the start of the line, and erases what is behind the cursor. */
const start = '\r'
const eraseRest = '\u001b[K'

/** Shows a progress bar on stderr. It shows nothing if stderr is not a terminal, or with JSON. */
export function startProgress(what: string, json: boolean): Progress {
  const { stderr } = process
  if (json || !stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  const began = performance.now()
  let drawn = -Infinity
  return {
    update: (bytes, total) => {
      const now = performance.now()
      if (now - drawn < pause) return
      drawn = now
      const line = progressLine(what, { bytes, total, milliseconds: now - began })
      // A line that wraps could not be erased.
      stderr.write(`${start}${line.slice(0, (stderr.columns || 80) - 1)}${eraseRest}`)
    },
    stop: () => {
      if (drawn !== -Infinity) stderr.write(`${start}${eraseRest}`)
      drawn = -Infinity
    },
  }
}

/** Runs work while a bar shows its progress. The bar disappears before the result is printed. */
export async function withBar<Result>(
  bar: Progress,
  work: (
    onProgress: (progress: { readonly bytes: number; readonly total?: number | undefined }) => void,
  ) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(({ bytes, total }) => {
      bar.update(bytes, total)
    })
  } finally {
    bar.stop()
  }
}

/** Describes how far a transfer is, such as `saving  ▕██████      ▏  50%  1.0 MB/2.0 MB  1.0 MB/s  1.0 s left`. */
export function progressLine(
  what: string,
  {
    bytes,
    total,
    milliseconds,
  }: { readonly bytes: number; readonly total: number | undefined; readonly milliseconds: number },
): string {
  const rate = bytes / Math.max(milliseconds / 1000, 0.001)
  if (total === undefined) return `${what}  ${formatSize(bytes)}  ${formatSize(rate)}/s`
  const share = total === 0 ? 1 : Math.min(1, bytes / total)
  const filled = Math.round(share * barWidth)
  const bar = `▕${'█'.repeat(filled)}${' '.repeat(barWidth - filled)}▏`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  const line = `${what}  ${bar} ${percent}  ${formatSize(bytes)}/${formatSize(total)}  ${formatSize(rate)}/s`
  return rate === 0 ? line : `${line}  ${formatDuration(((total - bytes) / rate) * 1000)} left`
}
