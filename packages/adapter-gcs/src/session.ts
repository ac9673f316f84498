import { foreignAnswer, type PutOptions, requestWithRetry } from '@holdfast/core/backend'
import { ask, type Bucket, objectUrl, sentMetadata, uploadUrl } from './bucket.ts'
import { bodyOf } from './send.ts'
import { SessionFile } from './session-file.ts'

/** "Resume Incomplete": https://cloud.google.com/storage/docs/json_api/v1/status-codes. */
export const incomplete = 308

/**
 * The statuses of an upload that was cancelled or is unknown:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload.
 */
export const discarded = [499, 404, 410]

export interface OpenSession {
  readonly session: string
  /** Where a later put finds the session. */
  readonly file: SessionFile | undefined
  /** The bytes that an earlier put has stored. */
  readonly heldBefore: number
}

/** Returns the session that an earlier put of the same bytes left on this machine, or a new one. */
export async function sessionFor(
  bucket: Bucket,
  key: string,
  { contentType, signal, resume }: PutOptions,
): Promise<OpenSession> {
  const claimed =
    resume === undefined
      ? undefined
      : await SessionFile.claim([objectUrl(bucket, key), resume.sha256].join('\n'), process.env)
  try {
    if (claimed?.session !== undefined) {
      const heldBefore = await heldBy(bucket, key, claimed.session, signal)
      await claimed.file.remember(claimed.session)
      if (heldBefore !== undefined) return { session: claimed.session, file: claimed.file, heldBefore }
    }
    const session = await beginSession(bucket, key, contentType, signal)
    await claimed?.file.remember(session)
    return { session, file: claimed?.file, heldBefore: 0 }
  } catch (error) {
    if (claimed?.session === undefined) await claimed?.file.forget()
    else await claimed.file.leave(claimed.session)
    throw error
  }
}

/** Returns how many bytes a session holds; `undefined` if it has ended. */
async function heldBy(
  bucket: Bucket,
  key: string,
  session: string,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const info = { what: `Looking at the unfinished upload of ${key}`, key, signal }
  const { status, headers } = await requestWithRetry(bucket, info, () =>
    ask(bucket, {
      method: 'PUT',
      url: session,
      headers: { 'content-range': 'bytes */*' },
      body: bodyOf(),
      alsoFine: [incomplete, ...discarded],
      signal,
    }),
  )
  return status === incomplete ? bytesHeld(headers) : undefined
}

/**
 * Begins an upload and returns its address. A signal does not stop the request, since only the response contains the
 * address. If the response is lost, the upload holds no bytes and expires after a week:
 * https://cloud.google.com/storage/docs/resumable-uploads.
 */
async function beginSession(
  bucket: Bucket,
  key: string,
  contentType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { kmsKeyName, storageClass } = bucket
  return requestWithRetry(bucket, { what: `Beginning ${key}`, key, signal }, async () => {
    const { headers } = await ask(bucket, {
      method: 'POST',
      url: uploadUrl(bucket),
      query: { uploadType: 'resumable', name: bucket.names.object(key), kmsKeyName },
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: bodyOf(Buffer.from(sentMetadata(bucket, key, { contentType, storageClass }))),
    })
    const session = headers.get('location')
    if (session === null || !URL.canParse(session))
      throw foreignAnswer({ what: `Beginning ${key}`, key }, 'it has no address to send the bytes to')
    return session
  })
}

/**
 * Returns the number of bytes that the store holds. Without a Range header it holds none:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#status-check.
 */
export function bytesHeld(headers: Headers): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.get('range') ?? '')?.[1]
  return last === undefined ? 0 : Number(last) + 1
}
