import {
  type Crc32c,
  crc32cBase64,
  foreignAnswer,
  HoldfastError,
  type Part,
  type PutOptions,
  requestWithRetry,
  type Upload,
} from '@holdfast/core/backend'
import { ask, type Bucket, type GcsObject, parseObject, sentMetadata, storedAs, uploadUrl } from './bucket.ts'
import { deleteGeneration } from './delete.ts'
import { hasStatus } from './errors.ts'
import { bodyOf, type HttpBody } from './send.ts'

/** The state of an upload: the number of bytes that the store holds, or the finished object. */
type Progress = { readonly held: number } | { readonly object: GcsObject }

/** "Resume Incomplete": https://cloud.google.com/storage/docs/json_api/v1/status-codes. */
const incomplete = 308

/**
 * The statuses of an upload that was cancelled or is unknown:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#cancel-upload.
 */
const discarded = [499, 404, 410]

/** A range of an object. Its bytes can be sent again until the store holds them. */
interface Section {
  readonly start: number
  readonly end: number
  readonly isLast: boolean
  readonly from: (position: number) => HttpBody['pieces']
}

/**
 * Begins a resumable upload. The sections of an object are sent in order. `complete` sends the last section, which
 * makes the object visible, so a signal does not stop it. The last section carries the checksum of the whole object.
 */
export async function beginUpload(
  bucket: Bucket,
  key: string,
  { contentType, signal }: PutOptions,
  checksum: Crc32c,
): Promise<Upload<Part>> {
  const session = await beginSession(bucket, key, contentType, signal)
  /** The bytes that the store reported to hold. After a failure it may hold more. */
  let held = 0
  let isSure = true
  /** The largest number of bytes that the store reported. */
  let reached = 0

  const tell = async (
    range: string,
    body: HttpBody,
    headers: Readonly<Record<string, string>>,
    sectionSignal?: AbortSignal,
  ): Promise<Progress> => {
    isSure = false
    const answer = await ask(bucket, {
      method: 'PUT',
      url: session,
      headers: { ...headers, 'content-range': `bytes ${range}` },
      body,
      alsoFine: [incomplete],
      signal: sectionSignal,
    }).catch((error: unknown) => {
      throw hasStatus(error, 404) || hasStatus(error, 410)
        ? sessionGone(key, bucket.errorOf(error, { what: `Writing ${key}`, key }))
        : error
    })
    if (answer.status !== incomplete) return { object: parseObject(answer.data) }
    held = bytesHeld(answer.headers)
    isSure = true
    return { held }
  }

  /** Sends one request that continues the upload, or finds that the request before did. */
  const advance = async (
    { start, end, isLast, from }: Section,
    sectionSignal?: AbortSignal,
  ): Promise<Progress> => {
    reached = Math.max(reached, held)
    if (!isSure) {
      const progress = await tell('*/*', bodyOf(), {}, sectionSignal)
      if ('object' in progress || progress.held > reached) return progress
    }
    const position = held
    if (position < start || position > end) throw lostTrack(key, position, start)
    const range = position === end ? `*/${end}` : `${position}-${end - 1}/${isLast ? end : '*'}`
    const proof = { 'x-goog-hash': `crc32c=${crc32cBase64(checksum.value)}` }
    const body = { size: end - position, pieces: from(position) }
    const progress = await tell(range, body, isLast ? proof : {}, sectionSignal)
    if ('held' in progress && progress.held <= position)
      throw new HoldfastError(
        'UNAVAILABLE',
        `The store accepted no bytes of ${key} from byte ${position} on.`,
      )
    return progress
  }

  /** Sends a section. After each request that makes progress, the number of attempts starts again. */
  const send = async (section: Section, sectionSignal?: AbortSignal): Promise<GcsObject | undefined> => {
    const { start, end, isLast } = section
    const asked = { what: `Bytes ${start} to ${end} of ${key}`, key, signal: sectionSignal }
    for (;;) {
      const progress = await requestWithRetry(bucket, asked, () => advance(section, sectionSignal))
      if ('object' in progress) return progress.object
      if (progress.held === end && !isLast) return undefined
    }
  }

  return {
    async sendStretch({ size, from }, stretchSignal) {
      await send({ start: 0, end: size, isLast: false, from }, stretchSignal)
    },

    async sendPart(part, partSignal) {
      if (!part.last) await send(sectionOf(part), partSignal)
      return part
    },

    async complete(parts) {
      const last = parts.at(-1)
      if (last === undefined) throw new Error('An upload in parts has a last one')
      const section = sectionOf(last)
      const object = await send(section)
      const told = object?.crc32c ?? checksum.value
      if (object?.size === section.end && told === checksum.value) return storedAs(object)
      if (object !== undefined) await deleteGeneration(bucket, key, object.generation)
      throw lost(
        `The store held other bytes of ${key} than those sent, so they were deleted. Put the object again.`,
        { key },
      )
    },

    discard: async () => {
      await requestWithRetry(bucket, { what: `Discarding the upload of ${key}`, key }, () =>
        ask(bucket, { method: 'DELETE', url: session, body: bodyOf(), alsoFine: discarded }),
      )
    },
    leftover: 'The store discards its unfinished upload after a week.',
  }
}

function sectionOf({ offset, bytes, last }: Part): Section {
  return {
    start: offset,
    end: offset + bytes.byteLength,
    isLast: last,
    from: (position) => [bytes.subarray(position - offset)],
  }
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
function bytesHeld(headers: Headers): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.get('range') ?? '')?.[1]
  return last === undefined ? 0 : Number(last) + 1
}

function sessionGone(key: string, cause: unknown): HoldfastError {
  return lost(`The store discarded the upload of ${key}, as it does after a week. Put the object again.`, {
    key,
    cause,
  })
}

/** The error for an upload that needs bytes before the section, which are no longer in memory. */
function lostTrack(key: string, held: number, offset: number): HoldfastError {
  return lost(`The store reports ${held} bytes of ${key}, but ${offset} were sent. Put the object again.`, {
    key,
  })
}

/** The errors of uploads that cannot continue. A new upload can succeed. */
const ofLostUploads = new WeakSet<Error>()

export function isLostUpload(error: unknown): boolean {
  return error instanceof Error && ofLostUploads.has(error)
}

/** Returns an error that no retry of the same upload can solve. */
function lost(message: string, details: { readonly key: string; readonly cause?: unknown }): HoldfastError {
  const error = new HoldfastError('UNAVAILABLE', message, { ...details, retryable: false })
  ofLostUploads.add(error)
  return error
}
