import {
  type Crc32c,
  crc32cBase64,
  HoldfastError,
  type Part,
  type PutOptions,
  type ReplayableRange,
  requestWithRetry,
  type Stored,
  type Upload,
} from '@holdfast/core/backend'
import { type Bucket, type GcsObject, storedAs } from './bucket.ts'
import { deleteGeneration } from './delete.ts'
import type { HttpBody } from './send.ts'
import { sessionFor } from './session.ts'
import { type Progress, UploadSession } from './upload-session.ts'

/** A range of an object. Its bytes can be sent again until the store holds them. */
interface Section {
  readonly start: number
  readonly end: number
  readonly isLast: boolean
  readonly from: (position: number) => HttpBody['pieces']
}

/**
 * A resumable upload. The sections of an object are sent in order. `complete` sends the last section, which makes the object
 * visible, so a signal does not stop it. The last section carries the checksum of the whole object.
 */
export class ResumableUpload implements Upload<Part> {
  readonly leftover = 'The store discards its unfinished upload after a week.'
  readonly #bucket: Bucket
  readonly #key: string
  readonly #pace: PutOptions['pace']
  readonly #checksum: Crc32c
  readonly #session: UploadSession
  /** The largest number of bytes that the store reported. */
  #reached = 0

  private constructor(
    bucket: Bucket,
    key: string,
    { pace }: PutOptions,
    checksum: Crc32c,
    session: UploadSession,
  ) {
    this.#bucket = bucket
    this.#key = key
    this.#pace = pace
    this.#checksum = checksum
    this.#session = session
  }

  /** `checksum` gets every byte before it is sent. */
  static async begin(
    bucket: Bucket,
    key: string,
    options: PutOptions,
    checksum: Crc32c,
  ): Promise<ResumableUpload> {
    const session = new UploadSession(bucket, key, await sessionFor(bucket, key, options))
    return new ResumableUpload(bucket, key, options, checksum, session)
  }

  async sendLeadingRange({ size, from }: ReplayableRange, signal: AbortSignal | undefined): Promise<void> {
    // Bytes that the store holds are read, too, because the checksum covers the whole object.
    const { heldBefore } = this.#session
    let read = 0
    if (heldBefore > 0)
      for await (const { byteLength } of from(0)) if ((read += byteLength) >= heldBefore) break
    await this.#send({ start: 0, end: size, isLast: false, from }, signal)
  }

  async sendPart(part: Part, signal: AbortSignal): Promise<Part> {
    if (!part.last) await this.#send(sectionOf(part), signal)
    return part
  }

  async complete(parts: readonly Part[]): Promise<Stored> {
    const last = parts.at(-1)
    if (last === undefined) throw new Error('An upload in parts has a last one')
    const section = sectionOf(last)
    const object = await this.#send(section)
    await this.#session.forget()
    const reported = object?.crc32c ?? this.#checksum.value
    if (object?.size === section.end && reported === this.#checksum.value)
      return { ...storedAs(object), resumedBytes: this.#session.heldBefore }
    if (object !== undefined) await deleteGeneration(this.#bucket, this.#key, object.generation)
    throw this.#session.lost(
      `The store held other bytes of ${this.#key} than those sent, so they were deleted. Put the object again.`,
    )
  }

  async discard(): Promise<void> {
    await this.#session.cancel()
    await this.#session.forget()
  }

  async leave(): Promise<void> {
    await this.#session.leave()
  }

  /** Sends a section. After each request that makes progress, the number of attempts starts again. */
  async #send(section: Section, signal?: AbortSignal): Promise<GcsObject | undefined> {
    const { start, end, isLast } = section
    const { isSure, held, heldBefore } = this.#session
    if (isSure && held >= end && heldBefore >= end && !isLast) return undefined
    const info = { what: `Bytes ${start} to ${end} of ${this.#key}`, key: this.#key, signal }
    for (;;) {
      const progress = await requestWithRetry(this.#bucket, info, () => this.#advance(section, signal))
      if ('object' in progress) return progress.object
      if (progress.held >= end && !isLast) return undefined
    }
  }

  /** Sends one request that continues the upload, or finds that the request before did. */
  async #advance({ start, end, isLast, from }: Section, signal?: AbortSignal): Promise<Progress> {
    const session = this.#session
    this.#reached = Math.max(this.#reached, session.held)
    if (!session.isSure) {
      const progress = await session.look(signal)
      if ('object' in progress || progress.held > this.#reached) return progress
    }
    const position = session.held
    const isAhead = position > end && session.heldBefore > 0 // another process continues the same upload
    if (isAhead) return { held: position }
    if (position < start || position > end) throw this.#lostTrack(position, start)
    const range = position === end ? `*/${end}` : `${position}-${end - 1}/${isLast ? end : '*'}`
    const proof = { 'x-goog-hash': `crc32c=${crc32cBase64(this.#checksum.value)}` }
    const pieces = this.#pace === undefined ? from(position) : paced(from(position), this.#pace, signal)
    const body = { size: end - position, pieces }
    const progress = await session.continueWith({ range, body, headers: isLast ? proof : {}, signal })
    if ('held' in progress && progress.held <= position)
      throw new HoldfastError(
        'UNAVAILABLE',
        `The store accepted no bytes of ${this.#key} from byte ${position} on.`,
      )
    return progress
  }

  /** The error for an upload that needs bytes before the section, which are no longer in memory. */
  #lostTrack(held: number, offset: number): HoldfastError {
    return this.#session.lost(
      `The store reports ${held} bytes of ${this.#key}, but ${offset} were sent. Put the object again.`,
    )
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
