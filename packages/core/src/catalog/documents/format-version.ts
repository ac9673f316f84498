import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { type DocumentKind, unseal } from './sealed.ts'

/** The version of the format on the store that this package writes. A reader accepts every minor of its major. */
export const formatMajor = 1
const formatMinor = 0

/** The value of a document's `format` member, such as `holdfast-catalog/1.0`. */
export function formatOf(kind: DocumentKind): string {
  return `holdfast-${kind}/${formatMajor}.${formatMinor}`
}

/** A schema for the `format` member of one kind of document. */
export function formatSchema(kind: DocumentKind) {
  return v.pipe(v.string(), v.regex(new RegExp(`^holdfast-${kind}/${formatMajor}\\.\\d+$`)))
}

/**
 * Unseals a document and parses it by its schema. Throws `UNSUPPORTED` for one that a newer major version of
 * Holdfast wrote, and `CORRUPT` for one that is damaged or does not fit the schema.
 */
export function parseDocument<Schema extends v.GenericSchema>(
  kind: DocumentKind,
  schema: Schema,
  bytes: Uint8Array,
  where: string,
): v.InferOutput<Schema> {
  return parseBody(kind, schema, unseal(kind, bytes, where), where)
}

/** Parses the body of a document as `parseDocument` does. */
export function parseBody<Schema extends v.GenericSchema>(
  kind: DocumentKind,
  schema: Schema,
  body: unknown,
  where: string,
): v.InferOutput<Schema> {
  refuseNewerMajor(kind, body, where)
  const parsed = v.safeParse(schema, body)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new HoldfastError(
    'CORRUPT',
    `${where} is not a valid ${kind}: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`,
  )
}

function refuseNewerMajor(kind: DocumentKind, body: unknown, where: string): void {
  if (typeof body !== 'object' || body === null || !('format' in body) || typeof body.format !== 'string')
    return
  const major = new RegExp(`^holdfast-${kind}/(\\d+)\\.`).exec(body.format)?.[1]
  if (major === undefined || Number(major) <= formatMajor) return
  throw new HoldfastError(
    'UNSUPPORTED',
    `${where} has the format ${body.format}, and this Holdfast reads ${formatOf(kind)}. ` +
      'A newer Holdfast wrote it: update @holdfast/core, or the holdfast command.',
  )
}
