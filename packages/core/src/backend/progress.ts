import { HoldfastError } from '../errors.ts'

/** The fewest bytes that a response must deliver within a time. Only the time that the consumer waits counts. */
export interface MinimumProgress {
  readonly bytes: number
  /** Milliseconds. */
  readonly within: number
}

/** A connection that delivers less counts as broken. */
export const defaultMinimumProgress: MinimumProgress = { bytes: 2 ** 16, within: 60_000 }

/** A body that can be destroyed before its end. */
export interface Breakable extends AsyncIterable<Uint8Array> {
  destroy(error: Error): unknown
}

/**
 * Yields the chunks of a body, and destroys the body with `UNAVAILABLE` if it delivers too little. Only the time that
 * the consumer waits for a chunk counts, so a slow consumer does no harm.
 */
export async function* progressing(
  body: Breakable,
  what: string,
  { bytes, within }: MinimumProgress,
): AsyncGenerator<Uint8Array, void, undefined> {
  let received = 0
  let waited = 0
  let since = 0
  const wait = (): NodeJS.Timeout => {
    since = performance.now()
    return setTimeout(() => {
      body.destroy(tooSlow(what, received, within))
    }, within - waited)
  }
  let timer = wait()
  try {
    for await (const chunk of body) {
      clearTimeout(timer)
      waited += performance.now() - since
      received += chunk.byteLength
      if (received >= bytes) {
        received = 0
        waited = 0
      }
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
