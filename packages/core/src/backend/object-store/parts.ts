import type { SourceReader } from '../source.ts'

/** One part of an object that is sent in several requests. */
export interface Part {
  /** From 0. */
  readonly index: number
  /** Of its first byte in the object. */
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A source that fits one chunk, or the chunks of one that does not. */
export type WholeOrParts =
  | { readonly kind: 'whole'; readonly bytes: Uint8Array }
  | { readonly kind: 'parts'; readonly chunks: AsyncIterable<Uint8Array> }

/**
 * Reads far enough to know whether a source of unknown length fits one chunk. The reader must let two chunks be
 * held. A whole source has been checked to its end; `result` of the reader is ready.
 */
export async function wholeOrParts(reader: SourceReader): Promise<WholeOrParts> {
  const chunks = reader.chunks()
  const first = await chunks.next()
  if (first.done === true) return { kind: 'whole', bytes: new Uint8Array(0) }
  const second = await chunks.next()
  if (second.done === true) return { kind: 'whole', bytes: first.value }
  return { kind: 'parts', chunks: following(first.value, second.value, chunks) }
}

async function* following(
  first: Uint8Array,
  second: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first
  yield second
  yield* rest
}

/**
 * Sends chunks as parts, at most `limit` at once, and gives the answers in the order of the parts. When it asks for a
 * chunk it holds at most the `limit - 1` before it. After the first failure nothing more is read or sent; what is under
 * way is told by the signal and waited for, so that whoever cleans up finds nothing still moving.
 */
export async function sendParts<Answer>(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
  signal: AbortSignal | undefined,
  send: (part: Part, signal: AbortSignal) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const stop = new AbortController()
  const combined = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const answers: Answer[] = []
  const failures: unknown[] = []
  const underWay: Promise<void>[] = []
  let index = 0
  let offset = 0
  try {
    for await (const bytes of chunks) {
      const part: Part = { index, offset, bytes }
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
      index += 1
      offset += bytes.byteLength
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
