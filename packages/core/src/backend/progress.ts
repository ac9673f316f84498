import { HoldfastError } from '../errors.ts'

/** The fewest bytes that an answer must bring within a time in which someone waits for them. */
export interface MinimumProgress {
  readonly bytes: number
  /** Milliseconds. */
  readonly within: number
}

/** A connection that brings less is taken for a broken one. */
export const defaultMinimumProgress: MinimumProgress = { bytes: 2 ** 16, within: 60_000 }

/** A body that can be ended before its end. */
export interface Breakable extends AsyncIterable<Uint8Array> {
  destroy(error: Error): unknown
}

/**
 * Passes a body on, and ends it with an error when it brings too little while someone waits for it. Only the waiting
 * counts: a consumer may take its time.
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
    `${what} got ${received} bytes in ${within / 1000} s, which is too slow to wait for. Check the network.`,
  )
}
