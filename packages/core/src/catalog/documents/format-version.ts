import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'

/**
 * The kinds of sealed documents. The kind is the name of the member that holds the body. All of them are in a store, except
 * `member`, which is a file of this machine.
 */
export type DocumentKind = 'marker' | 'catalog' | 'page' | 'manifest' | 'rewind' | 'agreement' | 'member'

/** The version of the stored format that this package writes. A reader accepts every minor of its major. */
const formatMajor = 1
const formatMinor = 0

/** The value of a document's `format` member, such as `holdfast-catalog/1.0`. */
export function formatOf(kind: DocumentKind, minor = formatMinor): string {
  return `holdfast-${kind}/${formatMajor}.${minor}`
}

/**
 * Returns the `format` of a document that replaces another one. It is the newer minor version of both, because the new
 * document may contain members that only a reader of that version understands.
 */
export function formatAfter(kind: DocumentKind, format: string): string {
  return formatOf(kind, Math.max(formatMinor, minorOf(format)))
}

function minorOf(format: string): number {
  return Number(/\.(\d{1,9})$/.exec(format)?.[1] ?? formatMinor)
}

/** Returns a schema for the `format` member of one kind of document. */
export function formatSchema(kind: DocumentKind) {
  return v.pipe(v.string(), v.regex(new RegExp(`^holdfast-${kind}/${formatMajor}\\.\\d{1,9}$`)))
}

/** Throws `UNSUPPORTED` if a newer major version of Holdfast wrote the document. */
export function refuseNewerMajor(body: unknown, where: string): void {
  if (typeof body !== 'object' || body === null || !('format' in body) || typeof body.format !== 'string')
    return
  const major = /^holdfast-[a-z]+\/(\d+)\./.exec(body.format)?.[1]
  if (major === undefined || Number(major) <= formatMajor) return
  throw new HoldfastError(
    'UNSUPPORTED',
    `${where} has the format ${body.format}, and this version of Holdfast reads formats up to ${formatMajor}.x. ` +
      'A newer version of Holdfast wrote it. Update Holdfast.',
  )
}
