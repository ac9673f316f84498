import { invalid } from './errors.ts'

/**
 * The announced content of a request on a resumable upload:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads.
 */
export type ContentRange =
  /** `bytes * / N`: a request without content, whose response states the persisted size. */
  | { readonly kind: 'status'; readonly total: number | undefined }
  /**
   * `bytes a-b/N`, with `*` for unknown values. If the end is unknown, the body is the rest of the object. Without a
   * header, the body is the whole object.
   */
  | {
      readonly kind: 'bytes'
      readonly start: number
      /** The offset after the last byte. `undefined` if the body is the rest of the object. */
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
