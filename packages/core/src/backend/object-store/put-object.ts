import { HoldfastError, isHoldfastError, throwIfAborted } from '../../errors.ts'
import type { PutOptions, PutResult, ResumablePut } from '../backend.ts'
import type { PutSource } from '../source/byte-source.ts'
import { type Checksum, SourceReader } from '../source/source-reader.ts'
import type { ObjectStore } from './object-store.ts'
import {
  growthOf,
  type Part,
  type PartLimits,
  type PartPlan,
  partsAtOnce,
  partsOf,
  planParts,
  sendParts,
} from './parts.ts'
import { requestWithRetry } from './request-with-retry.ts'

/** What the response to an upload states about the object. */
export type Stored = Pick<PutResult, 'revision' | 'storeDigest' | 'storedAt' | 'resumedBytes'>

/** The two ways to upload an object to a store. */
export interface WaysToPut<Sent> {
  /**
   * Sends bytes that fit one part in one request without retrying, and rejects with what the SDK throws. A signal does
   * not stop it: the store may still execute a request that was cut off. `mayBeStored` is true if an earlier request may have
   * stored the bytes although it failed. The store may then refuse to replace them.
   */
  readonly putWhole: (bytes: Uint8Array, mayBeStored: boolean) => Promise<Stored>
  /** Begins an upload in parts. It calls `pace` of the put before it sends bytes. */
  readonly begin: () => Promise<Upload<Sent>>
  /** A checksum that gets every byte of the source once and in order, before the byte is sent. */
  readonly checksum?: Checksum | undefined
}

/** An upload in parts. The object is not visible before `complete`. */
export interface Upload<Sent> {
  /**
   * Sends the first bytes of an object without waiting for a response to each part, on stores that take the bytes in
   * order. Called at most once, before the parts. The parts begin where this range ends.
   */
  sendLeadingRange?(range: ReplayableRange, signal: AbortSignal | undefined): Promise<void>
  /** Sends one part. Called in the order of the parts. Several parts may be in flight at once. */
  sendPart(part: Part, signal: AbortSignal): Promise<Sent>
  /** Makes the object visible, with all parts in order. A signal does not stop it. */
  complete(sent: readonly Sent[]): Promise<Stored>
  /** Discards the upload and its parts on the store. */
  discard(): Promise<void>
  /** Ends the use of an upload that failed and that a later put may continue. */
  leave?(): Promise<void>
  /** A sentence that states what happens to an upload that could not be discarded. */
  readonly leftover: string
}

/** The first bytes of an object. They can be read again if they did not arrive. */
export interface ReplayableRange {
  readonly size: number
  /**
   * Returns the bytes from `start` on. `start` must not lie beyond the bytes that were read. A chunk is valid until the
   * consumer asks for the second chunk after it.
   */
  readonly from: (start: number) => AsyncIterable<Uint8Array>
}

/** The only part of an empty object. */
const emptyPart: Part = { index: 0, offset: 0, bytes: new Uint8Array(0), last: true }

/**
 * Stores a source that fits one part by one request, and a larger one in parts, several at once. If a part fails, the
 * upload is discarded, unless a later put may continue it. A source of unknown length is read until it is known which way
 * applies.
 */
export async function putObject<Sent>(
  store: ObjectStore,
  key: string,
  source: PutSource,
  { size: announced, signal, onProgress, observe, pace, resume }: PutOptions,
  { putWhole, begin, checksum }: WaysToPut<Sent>,
): Promise<PutResult> {
  const size = announced ?? (source instanceof Uint8Array ? source.byteLength : undefined)
  const plan = planParts(store.parts, size, store.parts.maxParts)
  if (plan.partBytes > (store.parts.maxPartBytes ?? Infinity)) throw tooLarge(key, store.parts)
  await using reader = await SourceReader.open(source, {
    chunkBytes: plan.partBytes,
    // The part that may be the last, and the parts in flight except the oldest, which has ended.
    chunksHeld: plan.parallel,
    hashInThread: store.sendsSharedMemory,
    size,
    checksum,
    observer: observe?.(),
    signal,
  })
  const whole = async (bytes: Uint8Array): Promise<Stored> => {
    if (resume !== undefined) assertDigest(key, reader.result(), resume)
    let mayBeStored = false
    return requestWithRetry(store, { what: `The put of ${key}`, key, signal }, async () => {
      await pace?.(bytes.byteLength, signal)
      try {
        return await putWhole(bytes, mayBeStored)
      } catch (error) {
        mayBeStored ||= store.mayHaveHappened(error)
        throw error
      }
    })
  }
  const inParts = async (partsFrom: PartsFrom): Promise<Stored> =>
    putParts(store, key, { reader, plan, partsFrom }, { signal, onProgress, resume }, await begin())
  const stored =
    reader.replayableBytes > plan.partBytes
      ? await inParts((start) => partsOf(reader.chunks(start), start))
      : await putAsRead(partsOf(reader.chunks(), 0, growthFor(store.parts, reader.size)), whole, inParts)
  const { resumedBytes = 0, ...facts } = stored
  const result = {
    key,
    ...reader.result(),
    ...facts,
    ...(resume === undefined ? {} : { resumedBytes }),
  }
  onProgress?.(result.size)
  return result
}

/** A source and its plan. `partsFrom` returns the parts from the end of the replayed range on. */
interface Pieces {
  readonly reader: SourceReader
  readonly plan: PartPlan
  readonly partsFrom: PartsFrom
}

type PartsFrom = (start: number) => AsyncIterable<Part>

/** Reads the first part to learn whether the source fits one part. */
async function putAsRead(
  parts: AsyncGenerator<Part, undefined>,
  whole: (bytes: Uint8Array) => Promise<Stored>,
  inParts: (partsFrom: PartsFrom) => Promise<Stored>,
): Promise<Stored> {
  try {
    const { value: first = emptyPart } = await parts.next()
    return first.last ? await whole(first.bytes) : await inParts(() => following(first, parts))
  } finally {
    await parts.return(undefined)
  }
}

async function* following(first: Part, rest: AsyncIterable<Part>): AsyncGenerator<Part> {
  yield first
  yield* rest
}

async function putParts<Sent>(
  { names: { url }, parts: limits }: ObjectStore,
  key: string,
  { reader, plan, partsFrom }: Pieces,
  { signal, onProgress, resume }: PutOptions,
  upload: Upload<Sent>,
): Promise<Stored> {
  let stored = 0
  const advance = (bytes: number): void => {
    if (bytes <= stored) return
    stored = bytes
    onProgress?.(stored)
  }
  try {
    const start = await sendLeadingRange(upload, { reader, plan }, signal, advance)
    const limit = ({ bytes }: Part): number => partsAtOnce(plan, Math.max(bytes.byteLength, plan.partBytes))
    const sent = await sendParts(partsFrom(start), limit, signal, async (part, partSignal) => {
      if (part.index >= limits.maxParts) throw tooLarge(key, limits)
      const answer = await upload.sendPart(part, partSignal)
      // The full size is reported only when the upload is complete.
      if (!part.last) advance(stored + part.bytes.byteLength)
      return answer
    })
    throwIfAborted(signal, `The put of ${key}`, { key, url })
    if (resume !== undefined) assertDigest(key, reader.result(), resume)
    return await upload.complete(sent)
  } catch (error) {
    if (resume === undefined || isHopelessPut(error)) await giveUp(upload, error)
    else await upload.leave?.()
    throw error
  }
}

/** Throws `INVALID_ARGUMENT` if a source does not have the bytes that earlier puts of the key had. */
export function assertDigest(
  key: string,
  { sha256 }: Pick<PutResult, 'sha256'>,
  { sha256: expected }: ResumablePut,
): void {
  if (sha256 === expected) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `The source of ${key} has the SHA-256 ${sha256}, but ${expected} was announced. Nothing was stored.`,
    { key },
  )
}

/** Returns whether a put failed for a reason that a later put of the same bytes does not solve. */
export function isHopelessPut(error: unknown): boolean {
  return (
    !isHoldfastError(error) || isHoldfastError(error, 'CORRUPT', 'INVALID_ARGUMENT', 'INSUFFICIENT_SPACE')
  )
}

/**
 * Sends all parts but the last as one range, if the source can be replayed and the store allows it. Returns the end of
 * that range.
 */
async function sendLeadingRange(
  upload: Upload<unknown>,
  { reader, plan: { partBytes } }: Pick<Pieces, 'reader' | 'plan'>,
  signal: AbortSignal | undefined,
  advance: (bytes: number) => void,
): Promise<number> {
  const end = Math.floor((reader.replayableBytes - 1) / partBytes) * partBytes
  if (upload.sendLeadingRange === undefined || end <= 0) return 0
  async function* from(start: number): AsyncGenerator<Uint8Array> {
    let position = start
    for await (const chunk of reader.replay(start, end)) {
      yield chunk
      position += chunk.byteLength
      advance(position)
    }
  }
  await upload.sendLeadingRange({ size: end, from }, signal)
  return end
}

/** Discards the upload. An error of the discard is added to the error that caused it. */
async function giveUp(upload: Upload<unknown>, because: unknown): Promise<void> {
  try {
    await upload.discard()
  } catch (error) {
    if (isHoldfastError(because)) because.message += ` ${upload.leftover}`
    if (because instanceof Error) because.cause ??= error
  }
}

function growthFor(limits: PartLimits, size: number | undefined): ReturnType<typeof growthOf> | undefined {
  return size === undefined && Number.isFinite(limits.maxParts) ? growthOf(limits) : undefined
}

function tooLarge(key: string, { maxParts, maxPartBytes, sizeOption }: PartLimits): HoldfastError {
  const most = maxPartBytes === undefined ? '' : `, each of ${maxPartBytes} bytes at most`
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${key} needs more than the ${maxParts} parts that the store accepts${most}. Set a larger ${sizeOption}, or save ` +
      'smaller files.',
    { key },
  )
}
