import * as v from 'valibot'
import { attemptSchema } from './layout.ts'
import type { Named } from './named.ts'
import { countSchema, sha256Schema } from './values.ts'

/** Where a copied checkpoint was saved first. A copy of a copy keeps it. */
export const originSchema = v.looseObject({
  /** The id in the marker of that store. */
  store: v.pipe(v.string(), v.uuid()),
  attempt: attemptSchema,
  /** The SHA-256 of the whole sealed manifest there. */
  manifest: sha256Schema,
  /** The segment of its order key there. */
  segment: countSchema,
})

export type Origin = Named<v.InferOutput<typeof originSchema>>
