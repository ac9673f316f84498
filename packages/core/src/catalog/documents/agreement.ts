import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { formatOf, formatSchema } from './format-version.ts'
import { type AgreementName, agreementKey, agreementNameSchema } from './layout.ts'
import type { Named } from './named.ts'
import { parseDocument } from './parse-document.ts'
import { requiresSchema } from './requires.ts'
import { seal } from './sealed.ts'

/** A decision that several processes share. The first process that creates the document decides. */
export const agreementSchema = v.looseObject({
  format: formatSchema('agreement'),
  requires: requiresSchema,
  name: agreementNameSchema,
  /** Identifies the call that created the document, so that equal proposals of two callers have different bytes. */
  id: v.pipe(v.string(), v.uuid()),
  proposal: v.unknown(),
})

export type Agreement = Named<v.InferOutput<typeof agreementSchema>>

/** `proposal` is any JSON value. */
export function newAgreement(name: AgreementName, id: string, proposal: unknown): Agreement {
  return { format: formatOf('agreement'), requires: [], name, id, proposal }
}

export function encodeAgreement(agreement: Agreement): Uint8Array {
  return seal('agreement', agreement)
}

/** Throws `CORRUPT` if the document is damaged, or is another agreement. */
export function decodeAgreement(bytes: Uint8Array, name: AgreementName): Agreement {
  const where = agreementKey(name)
  const agreement = parseDocument('agreement', agreementSchema, bytes, where)
  if (agreement.name === name) return agreement
  throw new HoldfastError('CORRUPT', `${where} is another agreement, ${agreement.name}.`)
}
