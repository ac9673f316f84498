import { notImplemented, S3Error } from './errors.ts'

/**
 * Parses one range of bytes (RFC 9110, "Range Requests"). An invalid header is ignored. A range that begins beyond
 * the end throws `InvalidRange`.
 */
export function rangeOf(
  text: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  if (text?.includes(',') === true) throw notImplemented('several ranges')
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text ?? '') ?? []
  if (text === undefined || (first === '' && last === '')) return undefined
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size)
  if (start >= end)
    throw new S3Error('InvalidRange', undefined, { RangeRequested: text, ActualObjectSize: size })
  return { start, end }
}
