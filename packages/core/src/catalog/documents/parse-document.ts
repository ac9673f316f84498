import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { type DocumentKind, refuseNewerMajor } from './format-version.ts'
import { refuseUnknownFeatures } from './requires.ts'
import { unseal } from './sealed.ts'

/**
 * Unseals a document and parses it by its schema. Throws `UNSUPPORTED` for a newer major version and for an unknown
 * required feature. Throws `CORRUPT` if the document is damaged or does not match the schema.
 */
export function parseDocument<Schema extends v.GenericSchema>(
  kind: DocumentKind,
  schema: Schema,
  bytes: Uint8Array,
  where: string,
): v.InferOutput<Schema> {
  return parseBody(kind, schema, unsealSupported(kind, bytes, where), where)
}

/** Returns the body of a sealed document that this version can read. Throws as `parseDocument` does. */
export function unsealSupported(kind: DocumentKind, bytes: Uint8Array, where: string): unknown {
  const body = unseal(kind, bytes, where)
  refuseNewerMajor(body, where)
  refuseUnknownFeatures(body, where)
  return body
}

/** Parses a body. Throws `CORRUPT` if it does not match the schema. */
export function parseBody<Schema extends v.GenericSchema>(
  kind: DocumentKind,
  schema: Schema,
  body: unknown,
  where: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, body)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new HoldfastError(
    'CORRUPT',
    `${where} is not a valid ${kind}: ${v.getDotPath(issue) ?? 'the document'}: ${issue.message}`,
  )
}
