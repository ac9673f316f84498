/** One part of an object that is sent in several requests. */
export interface Part {
  /** The number of the part. The first is 0. */
  readonly index: number
  /** The offset of its first byte in the object. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** How the parts of an object of unknown size grow. */
export interface Growth {
  /** Returns the size in bytes of the part with an index: a multiple of the chunk size. */
  readonly bytesOf: (index: number) => number
  readonly partsInUse: number
}

/**
 * Yields the chunks of a source as parts. The first part begins at byte `start`. A part is yielded when the next chunk
 * has been read, so that `last` is known. The source has been checked to its end before the last part is yielded.
 */
export async function* partsOf(
  chunks: AsyncIterable<Uint8Array>,
  start = 0,
  growth?: Growth,
): AsyncGenerator<Part, undefined> {
  let index = 0
  let offset = start
  let held: Uint8Array | undefined
  for await (const bytes of growth === undefined ? chunks : joined(chunks, growth)) {
    if (held !== undefined) {
      yield { index, offset, bytes: held, last: false }
      index += 1
      offset += held.byteLength
    }
    held = bytes
  }
  if (held !== undefined) yield { index, offset, bytes: held, last: true }
  return undefined
}

/**
 * Joins chunks into parts as the parts grow. The buffers of chunks are reused, so a part that may still be in flight
 * while several chunks are read is copied.
 */
async function* joined(
  chunks: AsyncIterable<Uint8Array>,
  { bytesOf, partsInUse }: Growth,
): AsyncGenerator<Uint8Array> {
  let index = 0
  let part: Uint8Array | undefined
  let filled = 0
  for await (const chunk of chunks) {
    if (part === undefined && bytesOf(index + partsInUse) <= chunk.byteLength) {
      yield chunk
      index += 1
      continue
    }
    part ??= Buffer.allocUnsafeSlow(bytesOf(index))
    part.set(chunk, filled)
    filled += chunk.byteLength
    if (filled < part.byteLength) continue
    yield part
    part = undefined
    filled = 0
    index += 1
  }
  if (part !== undefined) yield part.subarray(0, filled)
}

/**
 * Sends parts, at most `limit` at once, and returns the responses in the order of the parts. `limit` may depend on the
 * latest part. While it waits for a part, at most the `limit - 1` parts before it are in use. After the first failure
 * it reads and sends nothing more, aborts the parts in flight and waits for them, so that no part arrives after a
 * clean-up.
 */
export async function sendParts<Answer>(
  parts: AsyncIterable<Part>,
  limit: number | ((latest: Part) => number),
  signal: AbortSignal | undefined,
  send: (part: Part, signal: AbortSignal) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const stop = new AbortController()
  const combined = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const answers: Answer[] = []
  const failures: unknown[] = []
  const underWay: Promise<void>[] = []
  try {
    for await (const part of parts) {
      const sending = send(part, combined).then(
        (answer) => {
          answers[part.index] = answer
        },
        (error: unknown) => {
          failures.push(error)
          stop.abort(error)
        },
      )
      underWay.push(sending)
      // Wait for the oldest part: buffers are reused in order, and a buffer that is being sent must not be filled.
      const most = typeof limit === 'number' ? limit : limit(part)
      while (underWay.length >= most) await underWay.shift()
      if (failures.length > 0) break
    }
  } catch (error) {
    failures.push(error)
    stop.abort(error)
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
  return answers
}

/** The size of a part in bytes, and how many parts are sent at once. */
export interface PartPlan {
  readonly partBytes: number
  readonly parallel: number
}

/** The plan for objects of common sizes, and the limits of the store. */
export interface PartLimits extends PartPlan {
  /** The largest number of parts of one object. */
  readonly maxParts: number
  /** The largest part in bytes. Default: no limit. */
  readonly maxPartBytes?: number | undefined
  /** The option that sets the size of a part, for messages. */
  readonly sizeOption: string
}

/**
 * Returns larger parts for an object that would need more than `maxParts` parts. Fewer of them are sent at once, so
 * that they use no more memory than `wanted` does. A single part may exceed this memory.
 */
export function planParts(wanted: PartPlan, size: number | undefined, maxParts: number): PartPlan {
  if (size === undefined || size <= wanted.partBytes * maxParts) return wanted
  const partBytes = Math.ceil(size / maxParts / 2 ** 20) * 2 ** 20
  return { partBytes, parallel: partsAtOnce(wanted, partBytes) }
}

/** Returns how many parts of a size fit the memory of a plan. At least 1. */
export function partsAtOnce({ partBytes, parallel }: PartPlan, bytes: number): number {
  return Math.max(1, Math.min(parallel, Math.floor((partBytes * parallel) / bytes)))
}

/**
 * Returns how the parts of a stream of unknown size grow. The first half of the parts have the wanted size. After that,
 * the size doubles with each twentieth of the parts. So the parts of S3 hold its largest object, and the first 39 GiB
 * need no growth.
 */
export function growthOf({ partBytes, parallel, maxParts, maxPartBytes = Infinity }: PartLimits): Growth {
  const half = Math.ceil(maxParts / 2)
  const step = Math.ceil(maxParts / 20)
  const most = Math.max(1, Math.floor(maxPartBytes / partBytes)) * partBytes
  return {
    bytesOf: (index) =>
      index < half ? partBytes : Math.min(most, partBytes * 2 ** (1 + Math.floor((index - half) / step))),
    partsInUse: parallel + 1,
  }
}
