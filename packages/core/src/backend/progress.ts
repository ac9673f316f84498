import { longestTimer } from '../async/longest-timer.ts'
import { HoldfastError } from '../errors.ts'

/** The fewest bytes that a response must deliver within a time. Only the time that the consumer waits counts. */
export interface MinimumProgress {
  readonly bytes: number
  /** Milliseconds. */
  readonly within: number
}

/** A connection that delivers less counts as broken. */
export const defaultMinimumProgress: MinimumProgress = { bytes: 2 ** 16, within: 60_000 }

/** Milliseconds in which the response to a request without a body must begin. */
const longestSilence = 60_000

/**
 * Returns the milliseconds in which the response to a request must begin, if its body is sent at least as fast as `minimum`. Many
 * parts share a slow network, so a limit for a whole part would cut off all of them at the same moment.
 */
export function longestWait(
  bodyBytes: number,
  { bytes, within }: MinimumProgress = defaultMinimumProgress,
): number {
  return Math.min(longestTimer, longestSilence + Math.ceil((bodyBytes * within) / bytes))
}

/** Returns the error of a request whose response did not begin within a number of milliseconds. */
export function noResponse(milliseconds: number): DOMException {
  return new DOMException(`No response arrived for ${Math.round(milliseconds / 1000)} s`, 'TimeoutError')
}

/** A body that can be destroyed before its end. */
export interface Breakable extends AsyncIterable<Uint8Array> {
  destroy(error: Error): unknown
}

/** How the bytes of a body are counted and read, if not by its chunks. */
interface Reading {
  readonly chunks: AsyncIterable<Uint8Array>
  /** Returns the number of bytes that have arrived. */
  readonly received: () => number
}

/**
 * Yields the chunks of a body, and destroys the body with `UNAVAILABLE` if it delivers too little. Only the time that
 * the consumer waits for a chunk counts, so a slow consumer does no harm.
 */
export async function* progressing(
  body: Breakable,
  what: string,
  minimum: MinimumProgress,
  reading?: Reading,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytes } = minimum
  const within = Math.min(minimum.within, longestTimer)
  let passed = 0
  let mark = 0
  let waited = 0
  let since = 0
  const received = reading?.received ?? ((): number => passed)
  const isEnough = (): boolean => {
    if (received() - mark < bytes) return false
    mark = received()
    waited = 0
    return true
  }
  const wait = (): NodeJS.Timeout => {
    since = performance.now()
    return setTimeout(() => {
      if (isEnough()) timer = wait()
      else body.destroy(tooSlow(what, received() - mark, within))
    }, within - waited)
  }
  let timer = wait()
  try {
    for await (const chunk of reading?.chunks ?? body) {
      clearTimeout(timer)
      waited += performance.now() - since
      passed += chunk.byteLength
      isEnough()
      yield chunk
      timer = wait()
    }
  } finally {
    clearTimeout(timer)
  }
}

function tooSlow(what: string, received: number, within: number): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `${what} got ${received} bytes in ${within / 1000} s, which is too slow. Check the network.`,
  )
}
