import {
  type Crc32c,
  crc32cBase64,
  HoldfastError,
  lostUpload,
  type Part,
  type PutOptions,
  requestWithRetry,
  type Upload,
} from '@holdfast/core/backend'
import { ask, type Bucket, type GcsObject, parseObject, storedAs } from './bucket.ts'
import { deleteGeneration } from './delete.ts'
import { hasStatus } from './errors.ts'
import { bodyOf, type HttpBody } from './send.ts'
import { bytesHeld, discarded, incomplete, sessionFor } from './session.ts'

/** The state of an upload: the number of bytes that the store holds, or the finished object. */
type Progress = { readonly held: number } | { readonly object: GcsObject }

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
  { contentType, signal, pace, resume }: PutOptions,
  checksum: Crc32c,
): Promise<Upload<Part>> {
  const { session, file, heldBefore } = await sessionFor(bucket, key, { contentType, signal, resume })
  /** The bytes that the store reported to hold. After a failure it may hold more. */
  let held = heldBefore
  let isSure = true
  /** The largest number of bytes that the store reported. */
  let reached = 0

  const cancel = async (): Promise<void> => {
    await requestWithRetry(bucket, { what: `Discarding the upload of ${key}`, key }, () =>
      ask(bucket, { method: 'DELETE', url: session, body: bodyOf(), alsoFine: discarded }),
    )
  }

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
    }).catch(async (error: unknown) => {
      const cause = (): HoldfastError => bucket.errorOf(error, { what: `Writing ${key}`, key })
      const isGone = hasStatus(error, 404) || hasStatus(error, 410)
      // With the last bytes, the store compares the checksum of the whole object.
      const isOther = heldBefore > 0 && hasStatus(error, 400)
      if (!isGone && !isOther) throw error
      await file?.forget()
      if (isGone) throw sessionGone(bucket, key, cause())
      // What the store does with the upload after that is not documented.
      await cancel().catch(() => undefined)
      throw otherBytesHeld(bucket, key, cause())
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
    if (position > end && heldBefore > 0) return { held } // another process continues the same upload
    if (position < start || position > end) throw lostTrack(bucket, key, position, start)
    const range = position === end ? `*/${end}` : `${position}-${end - 1}/${isLast ? end : '*'}`
    const proof = { 'x-goog-hash': `crc32c=${crc32cBase64(checksum.value)}` }
    const pieces = pace === undefined ? from(position) : paced(from(position), pace, sectionSignal)
    const body = { size: end - position, pieces }
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
    if (isSure && held >= end && heldBefore >= end && !isLast) return undefined
    const asked = { what: `Bytes ${start} to ${end} of ${key}`, key, signal: sectionSignal }
    for (;;) {
      const progress = await requestWithRetry(bucket, asked, () => advance(section, sectionSignal))
      if ('object' in progress) return progress.object
      if (progress.held >= end && !isLast) return undefined
    }
  }

  return {
    async sendLeadingRange({ size, from }, rangeSignal) {
      // Bytes that the store holds are read, too, because the checksum covers the whole object.
      let read = 0
      if (heldBefore > 0)
        for await (const { byteLength } of from(0)) if ((read += byteLength) >= heldBefore) break
      await send({ start: 0, end: size, isLast: false, from }, rangeSignal)
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
      if (object?.size === section.end && told === checksum.value) {
        await file?.forget()
        return { ...storedAs(object), resumedBytes: heldBefore }
      }
      await file?.forget()
      if (object !== undefined) await deleteGeneration(bucket, key, object.generation)
      throw lost(
        bucket,
        `The store held other bytes of ${key} than those sent, so they were deleted. Put the object again.`,
        { key },
      )
    },

    discard: async () => {
      await cancel()
      await file?.forget()
    },
    leave: async () => {
      await file?.leave(session)
    },
    leftover: 'The store discards its unfinished upload after a week.',
  }
}

/** The most bytes that wait for their time together, so that a request is never silent for long. */
const pacedBytes = 2 ** 18

/** Yields the pieces of a body no faster than allowed. */
async function* paced(
  pieces: HttpBody['pieces'],
  pace: NonNullable<PutOptions['pace']>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces)
    for (let sent = 0; sent < piece.byteLength; sent += pacedBytes) {
      const slice = piece.subarray(sent, sent + pacedBytes)
      await pace(slice.byteLength, signal)
      yield slice
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

function sessionGone(bucket: Bucket, key: string, cause: unknown): HoldfastError {
  return lost(
    bucket,
    `The store discarded the upload of ${key}, as it does after a week. Put the object again.`,
    {
      key,
      cause,
    },
  )
}

/** The error for an upload that was continued, and whose first bytes differ from those of the source. */
function otherBytesHeld(bucket: Bucket, key: string, cause: unknown): HoldfastError {
  return lost(
    bucket,
    `An earlier put left other bytes of ${key} than those of the source, so they were discarded. Put the object again.`,
    { key, cause },
  )
}

/** The error for an upload that needs bytes before the section, which are no longer in memory. */
function lostTrack(bucket: Bucket, key: string, held: number, offset: number): HoldfastError {
  return lost(
    bucket,
    `The store reports ${held} bytes of ${key}, but ${offset} were sent. Put the object again.`,
    {
      key,
    },
  )
}

/** Returns an error that no retry of the same upload can solve, but a new upload can. */
function lost(
  { names: { url } }: Bucket,
  message: string,
  details: { readonly key: string; readonly cause?: unknown },
): HoldfastError {
  return lostUpload(new HoldfastError('UNAVAILABLE', message, { ...details, url, retryable: false }))
}
