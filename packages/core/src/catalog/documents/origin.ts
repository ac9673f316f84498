import * as v from 'valibot'
import { attemptSchema } from './layout.ts'
import type { Named } from './named.ts'
import { countSchema, sha256Schema } from './values.ts'

/** The store in which a copied checkpoint was saved first. A copy of a copy has the same origin. */
export const originSchema = v.looseObject({
  /** The id in the marker of the original store. */
  store: v.pipe(v.string(), v.uuid()),
  attempt: attemptSchema,
  /** The SHA-256 of the sealed manifest in the original store. */
  manifest: sha256Schema,
  /** The segment of the order key in the original store. */
  segment: countSchema,
  /**
   * The version of the original store's catalog from which the checkpoint was copied, and its commit id. A store whose
   * history lacks that version is a clone, or was rolled back.
   */
  catalog: v.optional(v.looseObject({ version: countSchema, commitId: v.pipe(v.string(), v.uuid()) })),
})

export type Origin = Named<v.InferOutput<typeof originSchema>>
