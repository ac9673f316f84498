import { HoldfastError } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'

/** A part of a file, as the range of an HTTP request has it. `end` is exclusive. */
export type ByteRange =
  | { readonly kind: 'from'; readonly start: number; readonly end: number | undefined }
  /** The last bytes. */
  | { readonly kind: 'last'; readonly bytes: number }

/** Parses `0-1023` (both included), `1024-` (to the end) or `-512` (the last 512 bytes). */
export function parseRange(text: string): ByteRange {
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(text.trim()) ?? []
  const [start, end] = [Number(first), Number(last)]
  const isValid = Number.isSafeInteger(start) && Number.isSafeInteger(end)
  if (isValid && first !== '' && last === '') return { kind: 'from', start, end: undefined }
  if (isValid && first !== '' && end >= start) return { kind: 'from', start, end: end + 1 }
  if (isValid && first === '' && end > 0) return { kind: 'last', bytes: end }
  throw new InvalidArgumentError(
    'Write FIRST-LAST, such as 0-1023, 1024- to the end, or -512 for the last 512.',
  )
}

/** Returns where a range begins and ends in a file. Throws `INVALID_ARGUMENT` if it begins past the end. */
export function rangeIn(
  range: ByteRange,
  size: number,
  name: string,
): { readonly start: number; readonly end: number } {
  if (range.kind === 'last') return { start: Math.max(0, size - range.bytes), end: size }
  const { start, end = size } = range
  if (start <= size) return { start, end: Math.min(end, size) }
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `The range begins at byte ${start}, but ${name} has ${size} bytes. Pass a range within the file.`,
  )
}

/** Yields the bytes of a range, and reads the others without yielding them. */
export async function* partOf(
  body: AsyncIterable<Uint8Array>,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const chunk of body) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at))
    at += chunk.byteLength
    if (part.byteLength > 0) yield part
  }
}
