import { HoldfastError, isHoldfastError, throwIfAborted } from '../../errors.ts'
import type { PutOptions, PutResult } from '../backend.ts'
import type { ByteSource } from '../source/byte-source.ts'
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

/** What the answer to an upload tells of the object. */
export type Stored = Pick<PutResult, 'revision' | 'storeDigest' | 'storedAt'>

/** The two ways by which a store takes an object. */
export interface WaysToPut<Sent> {
  /**
   * Makes one request once, with bytes that fit one part, and rejects with what the SDK throws. Not stopped once it is
   * on its way: a request that was cut off may still be carried out.
   */
  readonly putWhole: (bytes: Uint8Array) => Promise<Stored>
  /** Begins an upload in parts. */
  readonly begin: () => Promise<Upload<Sent>>
  /** Fed every byte of the source once, in their order, before it is sent. */
  readonly checksum?: Checksum | undefined
}

/** An upload in parts that is under way. Nothing is visible before `complete`. */
export interface Upload<Sent> {
  /**
   * For a store that takes the bytes of an object one after the other: sends the first ones without waiting for an
   * answer to each part. Asked for once at most, before the parts, which go on where the stretch ends.
   */
  readonly sendStretch?: (stretch: ReplayableRange, signal: AbortSignal | undefined) => Promise<void>
  /** Sends one part. The parts are asked for in their order, and may be under way together. */
  sendPart(part: Part, signal: AbortSignal): Promise<Sent>
  /** Makes the object visible, of all parts in their order. Not stopped once it is on its way. */
  complete(sent: readonly Sent[]): Promise<Stored>
  /** Gives the upload up, and what the store holds of it. */
  readonly discard: () => Promise<void>
  /** What becomes of an upload that could not be discarded, as a sentence. */
  readonly leftover: string
}

/** The first bytes of an object, which can be read again where they did not arrive. */
export interface ReplayableRange {
  readonly size: number
  /** The bytes from `start` on, which is no further than has been read, in chunks that nobody else uses. */
  readonly from: (start: number) => AsyncIterable<Uint8Array>
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
  { putWhole, begin, checksum }: WaysToPut<Sent>,
): Promise<PutResult> {
  const size = announced ?? (source instanceof Uint8Array ? source.byteLength : undefined)
  const plan = planParts(store.parts, size, store.parts.maxParts)
  if (plan.partBytes > (store.parts.maxPartBytes ?? Infinity)) throw tooLarge(key, store.parts)
  await using reader = await SourceReader.open(source, {
    chunkBytes: plan.partBytes,
    // The one that is not yet known to be the last, and those under way but the oldest, which has ended.
    chunksHeld: plan.parallel,
    hashInThread: store.sendsSharedMemory,
    size,
    checksum,
    signal,
  })
  const whole = async (bytes: Uint8Array): Promise<Stored> =>
    requestWithRetry(store, { what: `The put of ${key}`, key, signal }, () => putWhole(bytes))
  const inParts = async (partsFrom: PartsFrom): Promise<Stored> =>
    putParts(store, key, { reader, plan, partsFrom }, { signal, onProgress }, await begin())
  const stored =
    reader.rereadableBytes > plan.partBytes
      ? await inParts((start) => partsOf(reader.chunks(start), start))
      : await putAsRead(partsOf(reader.chunks(), 0, growthFor(store.parts, reader.size)), whole, inParts)
  const result = { key, ...reader.result(), ...stored }
  onProgress?.(result.size)
  return result
}

/** What is sent in parts: a source, and its parts from a byte on, which is where a stretch of it has ended. */
interface Pieces {
  readonly reader: SourceReader
  readonly plan: PartPlan
  readonly partsFrom: PartsFrom
}

type PartsFrom = (start: number) => AsyncIterable<Part>

/** Of what may fit one part, it shows as it is read whether it does. */
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
  { signal, onProgress }: PutOptions,
  upload: Upload<Sent>,
): Promise<Stored> {
  let stored = 0
  const advance = (bytes: number): void => {
    if (bytes <= stored) return
    stored = bytes
    onProgress?.(stored)
  }
  try {
    const start = await sendStretch(upload, { reader, plan }, signal, advance)
    const limit = ({ bytes }: Part): number => partsAtOnce(plan, Math.max(bytes.byteLength, plan.partBytes))
    const sent = await sendParts(partsFrom(start), limit, signal, async (part, partSignal) => {
      if (part.index >= limits.maxParts) throw tooLarge(key, limits)
      const answer = await upload.sendPart(part, partSignal)
      // That all is stored can only be said when the upload is complete.
      if (!part.last) advance(stored + part.bytes.byteLength)
      return answer
    })
    throwIfAborted(signal, `The put of ${key}`, { key, url })
    return await upload.complete(sent)
  } catch (error) {
    await giveUp(upload, error)
    throw error
  }
}

/** Sends all but the last part in one, where the source can be read again and the store takes it. Gives where it ends. */
async function sendStretch(
  { sendStretch }: Upload<unknown>,
  { reader, plan: { partBytes } }: Pick<Pieces, 'reader' | 'plan'>,
  signal: AbortSignal | undefined,
  advance: (bytes: number) => void,
): Promise<number> {
  const end = Math.floor((reader.rereadableBytes - 1) / partBytes) * partBytes
  if (sendStretch === undefined || end <= 0) return 0
  async function* from(start: number): AsyncGenerator<Uint8Array> {
    let position = start
    for await (const chunk of reader.stretch(start, end)) {
      yield chunk
      position += chunk.byteLength
      advance(position)
    }
  }
  await sendStretch({ size: end, from }, signal)
  return end
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

function growthFor(limits: PartLimits, size: number | undefined): ReturnType<typeof growthOf> | undefined {
  return size === undefined && Number.isFinite(limits.maxParts) ? growthOf(limits) : undefined
}

function tooLarge(key: string, { maxParts, maxPartBytes, sizeOption }: PartLimits): HoldfastError {
  const most = maxPartBytes === undefined ? '' : `, each of ${maxPartBytes} bytes at most`
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${key} needs more than the ${maxParts} parts that the store takes${most}. Set ${sizeOption} to more bytes, or save ` +
      'smaller files.',
    { key },
  )
}
