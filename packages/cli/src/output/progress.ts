import { formatSize } from '@holdfast/core'
import { formatDuration } from './text.ts'

export interface Progress {
  /** Reports the bytes so far, and the total if it is known. */
  update(bytes: number, total: number | undefined): void
  stop(): void
}

/** Shows a progress bar on stderr. It shows nothing if stderr is not a terminal, or with JSON. */
export async function startProgress(what: string, json: boolean): Promise<Progress> {
  if (json || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  const { default: cliProgress } = await import('cli-progress')
  const began = performance.now()
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    fps: 10,
    barsize: 20,
    format: (options, { progress }, { bytes, total, known }: BarPayload) => {
      const elapsed = (performance.now() - began) / 1000
      const rate = bytes / Math.max(elapsed, 0.001)
      const filled = Math.round(progress * (options.barsize ?? 20))
      const drawn = `▕${'█'.repeat(filled)}${' '.repeat((options.barsize ?? 20) - filled)}▏`
      if (!known) return `${what}  ${formatSize(bytes)}  ${formatSize(rate)}/s`
      const left = formatDuration(((total - bytes) / Math.max(rate, 1)) * 1000)
      const percent = `${Math.floor(progress * 100)}%`.padStart(4)
      return `${what}  ${drawn} ${percent}  ${formatSize(bytes)}/${formatSize(total)}  ${formatSize(rate)}/s  ${left} left`
    },
  })
  bar.start(1, 0, { bytes: 0, total: 1, known: false } satisfies BarPayload)
  return {
    update: (bytes, total) => {
      bar.setTotal(Math.max(total ?? 1, 1))
      bar.update(total === undefined ? 0 : bytes, {
        bytes,
        total: total ?? 1,
        known: total !== undefined,
      } satisfies BarPayload)
    },
    stop: () => {
      bar.stop()
    },
  }
}

interface BarPayload {
  readonly bytes: number
  readonly total: number
  readonly known: boolean
}
