import type { MirrorRecord } from '../../catalog/documents/index.ts'
import type { ErrorHint } from '../../hints.ts'
import { comesLastIn, type Continuation, continuationOf, type Side } from './continuation.ts'

/** Whether a store may write to its mirror. */
export type Ownership =
  | { readonly kind: 'owner' }
  /** The mirror has no owner, or another store whose run this one continued, or the user allows to take it. */
  | { readonly kind: 'may take over' }
  /** Another store took the mirror over, or has later checkpoints there. `why` is a sentence. */
  | { readonly kind: 'fenced'; readonly why: string; readonly hint: ErrorHint | undefined }

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
 * A store that owned it and lost it never takes it back by itself, and neither does one that did not continue from what the
 * mirror has. The user may allow both. But no store writes there if a restore from the mirror would then bring back another checkpoint
 * than the latest of the store.
 */
export function ownershipOf({ local, mirror, recorded, takeOver }: OwnershipFacts): Ownership {
  const { owner } = mirror.catalog
  const isOwner = owner?.id === local.id
  const continuation = continuationOf(local, mirror)
  const obstacle = obstacles[continuation]
  if (obstacle !== undefined) {
    const mayBeForced = continuation === 'another store continued' && comesLastIn(mirror, local)
    if (!mayBeForced) return { kind: 'fenced', why: `${obstacle} ${remedy}`, hint: undefined }
    if (!takeOver) return { kind: 'fenced', why: `${obstacle} ${remedy}`, hint: ownMirror }
  }
  if (isOwner) return { kind: 'owner' }
  const isTaking = owner !== null && recorded?.takingFrom === owner.id
  if (!takeOver && owner !== null && recorded?.owner === local.id && !isTaking) {
    const why = `The mirror belongs to ${owner.name} since ${owner.since}, which took it over from this store.`
    return { kind: 'fenced', why, hint: ownMirror }
  }
  return { kind: 'may take over' }
}

const ownMirror = { kind: 'own-mirror' } as const

const remedy =
  'Restore from the mirror first, which continues that run, or name an empty place for the mirror.'

/** Why a store does not write to a mirror of another run, or of a later state of its own. */
const obstacles: Readonly<Record<Continuation, string | undefined>> = {
  'mirror is empty': undefined,
  'store continued': undefined,
  'latest is corrupt': undefined,
  'store is empty': 'The mirror has checkpoints, and this store has none.',
  'store was rolled back':
    'The mirror has checkpoints that this store saved and does not know any more: its disk is a clone, or was rolled back.',
  'another store continued': 'The mirror has later checkpoints of another store.',
}
