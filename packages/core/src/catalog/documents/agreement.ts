import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { formatSchema } from './format-version.ts'
import { type AgreementName, agreementKey, agreementNameSchema } from './layout.ts'
import type { Named } from './named.ts'
import { parseDocument } from './parse-document.ts'
import { requiresSchema } from './requires.ts'

/** What several processes decided together. The first that creates the document decides, and all follow it. */
export const agreementSchema = v.looseObject({
  format: formatSchema('agreement'),
  requires: requiresSchema,
  name: agreementNameSchema,
  proposal: v.unknown(),
})

export type Agreement = Named<v.InferOutput<typeof agreementSchema>>

/** Throws `CORRUPT` if it is damaged, or is not this agreement. */
export function decodeAgreement(bytes: Uint8Array, name: AgreementName): Agreement {
  const where = agreementKey(name)
  const agreement = parseDocument('agreement', agreementSchema, bytes, where)
  if (agreement.name === name) return agreement
  throw new HoldfastError('CORRUPT', `${where} is another agreement, ${agreement.name}.`)
}
