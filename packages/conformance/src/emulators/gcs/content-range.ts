import { invalid } from './errors.ts'

/** What a request on a resumable upload says that it brings (Cloud Storage, "Perform resumable uploads"). */
export type ContentRange =
  /** `bytes * / N`: nothing; it asks how much is persisted. */
  | { readonly kind: 'status'; readonly total: number | undefined }
  /**
   * `bytes a-b/N`, or with `*` for what is not known yet. Without an end the body is all the rest; without a header
   * it is the whole object.
   */
  | {
      readonly kind: 'bytes'
      readonly start: number
      /** Before which byte it ends; not known beforehand when the body is the rest. */
      readonly end: number | undefined
      readonly total: number | undefined
    }

export function parseContentRange(text: string | undefined): ContentRange {
  if (text === undefined) return { kind: 'bytes', start: 0, end: undefined, total: undefined }
  const [whole, range, first, last, total = ''] = /^bytes (?:\*|((\d+)-(\d+|\*)))\/(\d+|\*)$/.exec(text) ?? []
  if (whole === undefined) throw invalid(`Failed to parse Content-Range header: ${text}`)
  const size = total === '*' ? undefined : Number(total)
  if (range === undefined) return { kind: 'status', total: size }
  const start = Number(first)
  const end = last === '*' ? size : Number(last) + 1
  if (end !== undefined && (end < start || (last !== '*' && end === start) || end > (size ?? end)))
    throw invalid(`Failed to parse Content-Range header: ${text}`)
  return { kind: 'bytes', start, end, total: size }
}
