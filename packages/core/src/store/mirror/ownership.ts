import type { OwnerSeen } from '../../catalog/commit/changes/index.ts'
import type { MirrorRecord } from '../../catalog/documents/index.ts'
import { type Continuation, continuationOf, hasLatestOf, type Side } from './continuation.ts'

/** Whether a store may write to its mirror. */
export type Ownership =
  | { readonly kind: 'owner' }
  /** The mirror has no owner, or another store whose run this one continued. `from` is the only owner from which it may be taken. */
  | { readonly kind: 'may take over'; readonly from: OwnerSeen | undefined }
  /** Another store took the mirror over. `why` is a sentence. */
  | { readonly kind: 'fenced'; readonly why: string }

/** What the ownership of a mirror depends on. */
export interface OwnershipFacts {
  readonly local: Side & { readonly id: string }
  readonly mirror: Side
  /** What the store records about its mirror. */
  readonly recorded: MirrorRecord | undefined
  /** Whether the user allows to take the mirror from its owner. */
  readonly takeOver: boolean
}

/**
 * Decides whether a store may write to its mirror. The id of the store owns the mirror, so all processes of the store may write.
 * A store that did not continue from what the mirror has never takes it by itself. A store that owned it and lost it takes it
 * back only if the run of the present owner has ended, and this store has the last checkpoint of that run.
 */
export function ownershipOf({ local, mirror, recorded, takeOver }: OwnershipFacts): Ownership {
  const { owner } = mirror.catalog
  if (takeOver) return owner?.id === local.id ? { kind: 'owner' } : { kind: 'may take over', from: undefined }
  const continuation = continuationOf(local, mirror)
  const obstacle = obstacles[continuation]
  if (obstacle !== undefined) return { kind: 'fenced', why: obstacle }
  if (owner === null) return { kind: 'may take over', from: undefined }
  if (owner.id === local.id) return { kind: 'owner' }
  const hasLost = recorded?.owner === local.id && recorded.takingFrom !== owner.id
  if (!hasLost) return { kind: 'may take over', from: { id: owner.id } }
  const ended = owner.run?.ended
  if (ended !== undefined && hasLatestOf(mirror, local))
    return { kind: 'may take over', from: { id: owner.id, ended } }
  const why = `The mirror belongs to ${owner.name} since ${owner.since}, which took it over from this store.`
  return { kind: 'fenced', why }
}

/** Why a store does not write to a mirror of another run, or of a later state of its own. */
const obstacles: Readonly<Record<Continuation, string | undefined>> = {
  'mirror is empty': undefined,
  'store continued': undefined,
  'latest is corrupt': undefined,
  'store is empty': 'The mirror has checkpoints, and this store has none. Restore from the mirror first.',
  'store was rolled back':
    'The mirror has checkpoints that this store saved and does not know any more: its disk is a clone, or was rolled back. ' +
    'Restore from the mirror first.',
  'another store continued':
    'The mirror has later checkpoints of another store. Restore from the mirror first, which continues that run.',
}
