import { HoldfastError } from '../../errors.ts'
import { type Breakable, defaultMinimumProgress, type MinimumProgress, progressing } from '../progress.ts'
import type { RequestInfo } from './request-info.ts'

/** Bytes of the largest answer that is read into memory as a whole. A page of a list has a few mebibytes. */
export const maxAnswerBytes = 64 * 2 ** 20

/**
 * The error for an answer that the store cannot have given, `why` saying what is wrong with it. Retryable, since
 * captive portals and proxies come and go.
 */
export function foreignAnswer({ what, key }: RequestInfo, why: string): HoldfastError {
  return new HoldfastError(
    'UNAVAILABLE',
    `${what} got an answer that the store did not give: ${why}. Check the endpoint, and whether a proxy or a captive ` +
      'portal answers in its place.',
    { key },
  )
}

/** Whether an answer is a web page, which no store sends by itself. */
export function isHtml(contentType: string | null | undefined): boolean {
  return /^\s*(text\/html|application\/xhtml)/i.test(contentType ?? '')
}

/** The same, of one whose body is known: some stores send a line of plain text under that type. */
export function isHtmlPage(contentType: string | null | undefined, body: string): boolean {
  return isHtml(contentType) && /<html|<!doctype html/i.test(body)
}

/**
 * Reads the body of an answer into memory. Rejects with `UNAVAILABLE` when it has more than 64 MiB, or brings too little
 * while it is waited for.
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
      const message = `${what} got an answer of more than ${maxAnswerBytes} bytes, which is given up.`
      throw new HoldfastError('UNAVAILABLE', message, { key })
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What a function makes of an answer whose body is open; the body is closed when it throws. */
export function orDestroy<Result>(body: { readonly destroy: () => unknown }, examine: () => Result): Result {
  try {
    return examine()
  } catch (error) {
    body.destroy()
    throw error
  }
}
