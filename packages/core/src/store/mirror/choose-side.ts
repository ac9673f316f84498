import { type Continuation, continuationOf, isLaterThanMirror, type Side } from './continuation.ts'

/** The local store before a restore. */
export type LocalState =
  | { readonly kind: 'readable'; readonly side: Side }
  /** Its newest catalog is damaged or lost, or nothing records its id any more. `readable` is what can be read. */
  | { readonly kind: 'damaged'; readonly readable: Side; readonly why: string }

/** The mirror before a restore. */
export type MirrorState =
  | { readonly kind: 'readable'; readonly side: Side }
  /** It cannot be reached, or its catalog is damaged. */
  | { readonly kind: 'unusable'; readonly why: string }

/** The store, or its mirror. */
export type SideName = 'store' | 'mirror'

/** Where to restore from, and why. */
export interface ChosenSide {
  readonly from: SideName
  /** A sentence. */
  readonly why: string
  /** The store is a clone of another, or an older state of itself, so it needs an id of its own. */
  readonly needsNewId: boolean
}

/** Decides where to restore from: the store, unless only the mirror knows how the run continued. */
export function chooseSide(local: LocalState, mirror: MirrorState): ChosenSide {
  if (mirror.kind === 'unusable')
    return choice(
      'store',
      `The mirror could not be read, so its checkpoints are not considered: ${mirror.why}`,
    )
  if (local.kind === 'damaged') return besideDamage(local, mirror.side)
  const continuation = continuationOf(local.side, mirror.side)
  if (continuation === 'another store continued') return choice('mirror', continuedTo(mirror.side))
  return { ...choices[continuation], needsNewId: continuation === 'store was rolled back' }
}

function continuedTo({ catalog: { latest } }: Side): string {
  const to = latest === undefined ? '' : ` The latest checkpoint of the mirror is step ${latest.step}.`
  return `The mirror is ahead: another store continued the run.${to}`
}

/** The mirror is used unless what is readable of the store is later. */
function besideDamage(
  { readable, why }: LocalState & { readonly kind: 'damaged' },
  mirror: Side,
): ChosenSide {
  if (mirror.catalog.latest === undefined) return choices['mirror is empty']
  if (isLaterThanMirror(readable, mirror))
    return choice('store', `The store is damaged, but it has later checkpoints than the mirror: ${why}`)
  return choice('mirror', `The store is damaged: ${why}`)
}

const choices: Readonly<Record<Exclude<Continuation, 'another store continued'>, ChosenSide>> = {
  'mirror is empty': choice('store', 'The mirror has no checkpoints.'),
  'store continued': choice('store', 'The mirror is not ahead of the store.'),
  'store is empty': choice('mirror', 'The store has no checkpoints, and the mirror has some.'),
  'store was rolled back': choice(
    'mirror',
    'The mirror is ahead: the store is a clone of the one that was mirrored, or was rolled back. It gets a new id.',
  ),
  'latest is corrupt': choice(
    'mirror',
    'The latest checkpoint is corrupt in the store, and the mirror has it.',
  ),
}

function choice(from: SideName, why: string): ChosenSide {
  return { from, why, needsNewId: false }
}
