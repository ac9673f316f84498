/** One part of an object that is sent in several requests. */
export interface Part {
  /** From 0. */
  readonly index: number
  /** Of its first byte in the object. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** How the parts of an object of unknown size grow: the bytes of each, and how many may be in use at once. */
export interface Growth {
  /** Bytes of a part, by its index; whole chunks. */
  readonly bytesOf: (index: number) => number
  readonly partsInUse: number
}

/**
 * The chunks of a source as parts, the first of which begins at byte `start`. Each is given when the next one is there, so
 * that it is known which one is the last; by then the source has been checked to its end.
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
 * Joins chunks into parts as they grow. The buffers of chunks are used again: parts that may still be on their way while
 * several chunks are read are copied.
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
 * Sends parts, at most `limit` at once (which may depend on the latest), and gives the answers in the order of the parts. When it asks for a part it
 * holds at most the `limit - 1` before it. After the first failure nothing more is read or sent; what is under
 * way is told by the signal and waited for, so that whoever cleans up finds nothing still moving.
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
      // The oldest, not just any: the buffers go round, and one that is still being sent must not be filled again.
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

/** Bytes of a part, and parts at once. */
export interface PartPlan {
  readonly partBytes: number
  readonly parallel: number
}

/** The plan for objects of common sizes, and what the store allows. */
export interface PartLimits extends PartPlan {
  /** The most parts of one object. */
  readonly maxParts: number
  /** Bytes of the largest part. Default: no limit. */
  readonly maxPartBytes?: number | undefined
  /** The option by which a user sets the bytes of a part, for messages. */
  readonly sizeOption: string
}

/**
 * Grows the parts of a large object so that it needs no more than `maxParts` of them, and sends fewer at once then,
 * so that memory stays what `wanted` allows as far as the store's limits let it.
 */
export function planParts(wanted: PartPlan, size: number | undefined, maxParts: number): PartPlan {
  if (size === undefined || size <= wanted.partBytes * maxParts) return wanted
  const partBytes = Math.ceil(size / maxParts / 2 ** 20) * 2 ** 20
  return { partBytes, parallel: partsAtOnce(wanted, partBytes) }
}

/** How many parts of a size may be on their way at once in the memory that `wanted` allows. */
export function partsAtOnce({ partBytes, parallel }: PartPlan, bytes: number): number {
  return Math.max(1, Math.min(parallel, Math.floor((partBytes * parallel) / bytes)))
}

/**
 * How the parts of a stream grow, whose size nobody knows: half of the parts are as large as wanted, and each twentieth
 * after that twice as large as the one before. So the parts of S3 hold its largest object, and 39 GiB come without growth.
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
