import { HoldfastError } from '../../errors.ts'
import { type Breakable, defaultMinimumProgress, type MinimumProgress, progressing } from '../progress.ts'
import type { RequestInfo } from './request-info.ts'

/** The largest response in bytes that is read into memory as a whole. A page of a list has a few mebibytes. */
export const maxAnswerBytes = 64 * 2 ** 20

/**
 * Returns the error for a response that the store cannot have sent. `why` states what is wrong with it. The error is
 * retryable, since captive portals and proxies come and go.
 */
export function foreignAnswer({ what, key }: RequestInfo, why: string): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `${what} got a response that the store did not send: ${why}. Check the endpoint, and whether a proxy or captive ` +
      'portal responds in its place.',
    { key },
  )
}

/** Returns whether a response is a web page. Stores send none. */
export function isHtml(contentType: string | null | undefined): boolean {
  return /^\s*(text\/html|application\/xhtml)/i.test(contentType ?? '')
}

/** Returns whether a response with a known body is a web page. Some stores send plain text with the type of HTML. */
export function isHtmlPage(contentType: string | null | undefined, body: string): boolean {
  return isHtml(contentType) && /<html|<!doctype html/i.test(body)
}

/**
 * Reads the body of a response into memory. Rejects with `UNAVAILABLE` if it has more than 64 MiB, or if it arrives too
 * slowly.
 */
export async function readAnswer(
  body: Breakable,
  { what, key }: RequestInfo,
  progress: MinimumProgress = defaultMinimumProgress,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of progressing(body, what, progress)) {
    size += chunk.byteLength
    if (size > maxAnswerBytes) {
      const message = `${what} got a response of more than ${maxAnswerBytes} bytes, the maximum.`
      throw new HoldfastError('UNAVAILABLE', message, { key })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Returns what `examine` returns. Destroys the open body of a response if `examine` throws. */
export function orDestroy<Result>(body: { readonly destroy: () => unknown }, examine: () => Result): Result {
  try {
    return examine()
  } catch (error) {
    body.destroy()
    throw error
  }
}
