/** One part of an object that is sent in several requests. */
export interface Part {
  /** From 0. */
  readonly index: number
  /** Of its first byte in the object. */
  readonly offset: number
  readonly bytes: Uint8Array
  readonly last: boolean
}

/**
 * The chunks of a source as parts, the first of which begins at byte `start`. Each is given when the next one is there, so
 * that it is known which one is the last; by then the source has been checked to its end.
 */
export async function* partsOf(
  chunks: AsyncIterable<Uint8Array>,
  start = 0,
): AsyncGenerator<Part, undefined> {
  let index = 0
  let offset = start
  let held: Uint8Array | undefined
  for await (const bytes of chunks) {
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
 * Sends parts, at most `limit` at once, and gives the answers in the order of the parts. When it asks for a part it
 * holds at most the `limit - 1` before it. After the first failure nothing more is read or sent; what is under
 * way is told by the signal and waited for, so that whoever cleans up finds nothing still moving.
 */
export async function sendParts<Answer>(
  parts: AsyncIterable<Part>,
  limit: number,
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
      if (underWay.length >= limit) await underWay.shift()
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
}

/**
 * Grows the parts of a large object so that it needs no more than `maxParts` of them, and sends fewer at once then,
 * so that memory stays what `wanted` allows as far as the store's limits let it.
 */
export function planParts(wanted: PartPlan, size: number | undefined, maxParts: number): PartPlan {
  if (size === undefined || size <= wanted.partBytes * maxParts) return wanted
  const partBytes = Math.ceil(size / maxParts / 2 ** 20) * 2 ** 20
  const parallel = Math.max(1, Math.floor((wanted.partBytes * wanted.parallel) / partBytes))
  return { partBytes, parallel }
}
