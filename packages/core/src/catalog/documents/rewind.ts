import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { formatOf, formatSchema } from './format-version.ts'
import { attemptSchema, type RewindId, rewindIdSchema, rewindKey } from './layout.ts'
import type { Named } from './named.ts'
import { parseDocument } from './parse-document.ts'
import { featureFault, requiresSchema } from './requires.ts'
import { seal } from './sealed.ts'
import { orderSchema, timeSchema } from './values.ts'
import { compareOrders } from '../../order-key.ts'

/**
 * A return to an older checkpoint, which gets a new order key. Checkpoints whose keys are between the old and the new
 * key are abandoned. A repair of the catalog reads this document.
 */
export const rewindSchema = v.looseObject({
  format: formatSchema('rewind'),
  requires: requiresSchema,
  rewind: rewindIdSchema,
  attempt: attemptSchema,
  /** The order key of the checkpoint before and after the rewind. */
  from: orderSchema,
  to: orderSchema,
  at: timeSchema,
})

export type Rewind = Named<v.InferOutput<typeof rewindSchema>>

export function encodeRewind(rewind: Omit<Rewind, 'format' | 'requires'>): Uint8Array {
  return seal('rewind', { format: formatOf('rewind'), requires: ['rewinds'], ...rewind })
}

/** Throws `CORRUPT` if the document is damaged or is another rewind. */
export function decodeRewind(bytes: Uint8Array, id: RewindId): Rewind {
  const where = rewindKey(id)
  const rewind = parseDocument('rewind', rewindSchema, bytes, where)
  const fault =
    featureFault(rewind.requires, [[true, 'rewinds', 'rewinds']]) ??
    (rewind.rewind === id ? undefined : `is another rewind, ${rewind.rewind}`) ??
    (compareOrders(rewind.from, rewind.to) < 0 ? undefined : 'does not give its checkpoint a later order key')
  if (fault !== undefined) throw new HoldfastError('CORRUPT', `${where} ${fault}.`)
  return rewind
}
