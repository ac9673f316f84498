import type { Session } from './session.ts'

/** Minimum number of milliseconds between two notifications of one call. */
const interval = 100

interface Progress {
  readonly bytes: number
  readonly total: number | undefined
}

/** Returns a callback that notifies the client of progress, or `undefined` if the client did not ask for it. */
export function reporting(
  { notify }: Session,
  progress: number | undefined,
): ((progress: Progress) => void) | undefined {
  if (progress === undefined) return undefined
  let reportedAt = -Infinity
  return ({ bytes, total }) => {
    const now = performance.now()
    if (now - reportedAt < interval && bytes !== total) return
    reportedAt = now
    notify('progress', { progress, bytes, total })
  }
}
