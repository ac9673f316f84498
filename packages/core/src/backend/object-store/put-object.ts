import { HoldfastError, isHoldfastError, throwIfAborted } from '../../errors.ts'
import type { PutOptions, PutResult } from '../backend.ts'
import { type ByteSource, SourceReader } from '../source.ts'
import type { ObjectStore } from './object-store.ts'
import { type Part, partsOf, planParts, sendParts } from './parts.ts'
import { request } from './request.ts'

/** What the answer to an upload tells of the object. */
export type Stored = Pick<PutResult, 'revision' | 'vouched'>

/** The two ways by which a store takes an object. */
export interface WaysToPut<Sent> {
  /**
   * Makes one request once, with bytes that fit one part, and rejects with what the SDK throws. Not stopped once it is
   * on its way: a request that was cut off may still be carried out.
   */
  readonly putWhole: (bytes: Uint8Array) => Promise<Stored>
  /** Begins an upload in parts. */
  readonly begin: () => Promise<Upload<Sent>>
}

/** An upload in parts that is under way. Nothing is visible before `complete`. */
export interface Upload<Sent> {
  /** Sends one part. The parts are asked for in their order, and may be under way together. */
  sendPart(part: Part, signal: AbortSignal): Promise<Sent>
  /** Makes the object visible, of all parts in their order. Not stopped once it is on its way. */
  complete(sent: readonly Sent[]): Promise<Stored>
  /** Gives the upload up, and what the store holds of it. */
  readonly discard: () => Promise<void>
  /** What becomes of an upload that could not be discarded, as a sentence. */
  readonly leftover: string
}

/** All that there is of an empty object. */
const emptyPart: Part = { index: 0, offset: 0, bytes: new Uint8Array(0), last: true }

/**
 * One request for what fits a part; several parts at once for what does not, which are given up together where one
 * fails. A source of unknown length is read far enough to know which it is.
 */
export async function putObject<Sent>(
  store: ObjectStore,
  key: string,
  source: ByteSource,
  { size: announced, signal, onProgress }: PutOptions,
  { putWhole, begin }: WaysToPut<Sent>,
): Promise<PutResult> {
  const size = announced ?? (source instanceof Uint8Array ? source.byteLength : undefined)
  const { partBytes, parallel } = planParts(store.parts, size, store.parts.maxParts)
  await using reader = await SourceReader.open(source, {
    chunkBytes: partBytes,
    // The one that is not yet known to be the last, and those under way but the oldest, which has ended.
    chunksHeld: parallel,
    hashInThread: store.sendsSharedMemory,
    size,
    signal,
  })
  const parts = partsOf(reader.chunks())
  try {
    const { value: first = emptyPart } = await parts.next()
    const stored = first.last
      ? await request(store, { what: `The put of ${key}`, key, signal }, () => putWhole(first.bytes))
      : await putParts(store, key, following(first, parts), parallel, { signal, onProgress }, await begin())
    const result = { key, ...reader.result(), ...stored }
    onProgress?.(result.size)
    return result
  } finally {
    await parts.return(undefined)
  }
}

async function* following(first: Part, rest: AsyncIterable<Part>): AsyncGenerator<Part> {
  yield first
  yield* rest
}

async function putParts<Sent>(
  { names: { url }, parts: { maxParts } }: ObjectStore,
  key: string,
  parts: AsyncIterable<Part>,
  parallel: number,
  { signal, onProgress }: PutOptions,
  upload: Upload<Sent>,
): Promise<Stored> {
  let stored = 0
  try {
    const sent = await sendParts(parts, parallel, signal, async (part, partSignal) => {
      if (part.index >= maxParts) throw tooManyParts(key, maxParts)
      const answer = await upload.sendPart(part, partSignal)
      // That all is stored can only be said when the upload is complete.
      if (part.last) return answer
      stored += part.bytes.byteLength
      onProgress?.(stored)
      return answer
    })
    throwIfAborted(signal, `The put of ${key}`, { key, url })
    return await upload.complete(sent)
  } catch (error) {
    await giveUp(upload, error)
    throw error
  }
}

/** A failure to do so is told with the one that led here. */
async function giveUp({ discard, leftover }: Upload<unknown>, because: unknown): Promise<void> {
  try {
    await discard()
  } catch (error) {
    if (isHoldfastError(because)) because.message += ` ${leftover}`
    if (because instanceof Error) because.cause ??= error
  }
}

function tooManyParts(key: string, maxParts: number): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${key} needs more than ${maxParts} parts. Tell its size beforehand, or have it sent in larger ones.`,
  )
}
