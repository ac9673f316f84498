import { keepsAll, type WriterKeeping } from '../../src/catalog/judging/keeping.ts'
import type { Change } from '../../src/catalog/commit/changes/index.ts'
import type { CommitRequest, Writer } from '../../src/catalog/commit/rules/index.ts'
import type { WholeCatalog } from '../../src/catalog/pages/index.ts'
import { entryOf, time } from './entries.ts'
import { rebuildOf } from './repair.ts'
import type { ActorState } from './world.ts'

/** An operation that an actor performs. */
export type Operation =
  | { readonly kind: 'save'; readonly step: number; readonly onExisting: 'fail' | 'replace' }
  | { readonly kind: 'delete'; readonly step: number }
  /** Deletes a checkpoint so that an undo can list it again. */
  | { readonly kind: 'remove'; readonly step: number }
  /** Lists the removed checkpoint of a step again. */
  | { readonly kind: 'undo'; readonly step: number }
  /** Ends the time of all undos. */
  | { readonly kind: 'forget removed' }
  | { readonly kind: 'pin'; readonly step: number }
  /** Returns to a step. What was saved after it is abandoned. */
  | { readonly kind: 'rewind'; readonly step: number }
  /** Adds the lowest loss to a checkpoint, which makes it the best. */
  | { readonly kind: 'attach'; readonly step: number; readonly loss: number }
  | { readonly kind: 'take over' }
  /** Takes over if no other writer or job owns the store. */
  | { readonly kind: 'join the job' }
  | { readonly kind: 'raise floor' }
  | { readonly kind: 'sweep' }
  /** A save that fails after its bytes were stored. */
  | { readonly kind: 'failing save'; readonly step: number }
  /** Rebuilds the catalog from the newest readable version and all complete attempts. */
  | { readonly kind: 'repair' }
  /** Loses all versions of the catalog. No actor does this on purpose. */
  | { readonly kind: 'lose the catalog' }

export interface Actor {
  readonly name: string
  readonly writer: Writer
  readonly operations: readonly Operation[]
  /** Default: no objective, and all checkpoints are kept. */
  readonly keeping?: WriterKeeping | undefined
  /** Whether a proxy may report that a version was created although it was not. */
  readonly isLiedTo?: boolean | undefined
  /** Whether the actor knows the catalog from before the scenario. */
  readonly isRunning?: boolean | undefined
}

/** A writer for which the lowest loss is the best. */
export const lowestLoss: WriterKeeping = {
  ...keepsAll,
  objectives: { loss: { metric: 'loss', direction: 'min' } },
}

/** The commit that an actor tries. */
export function requestOf(
  actor: Actor,
  index: number,
  state: ActorState,
  operation: Operation,
  known: WholeCatalog,
): CommitRequest {
  return {
    writer: actor.writer,
    keeping: actor.keeping ?? keepsAll,
    commitId: `${index}.${state.done}${state.discards ? ' discards' : ''}`,
    at: time,
    change: changeOf(operation, state, known),
  }
}

function changeOf(operation: Operation, state: ActorState, known: WholeCatalog): Change {
  if (state.discards && state.attempt !== undefined) return { kind: 'discard', attempt: state.attempt }
  switch (operation.kind) {
    case 'save':
      return {
        kind: 'save',
        entry: entryOf(operation.step, state.attempt),
        onExisting: operation.onExisting,
        replaces: state.replaces,
      }
    case 'delete':
      return { kind: 'delete', steps: [operation.step], because: 'pruned' }
    case 'remove':
      return { kind: 'delete', steps: [operation.step], because: 'removed', undoFor: 1 }
    case 'undo':
      return { kind: 'undo', attempts: state.undoes === undefined ? [] : [state.undoes] }
    case 'forget removed':
      return { kind: 'forget removed', attempts: (known.removed ?? []).map(({ entry }) => entry.attempt) }
    case 'pin':
      return { kind: 'pin', steps: [operation.step], pin: { at: time } }
    case 'rewind':
      return { kind: 'rewind', step: operation.step }
    case 'attach':
      return { kind: 'attach', step: operation.step, metrics: { loss: operation.loss } }
    case 'raise floor':
      return { kind: 'raise floor', floor: known.version } // the highest floor that any clock could justify
    case 'take over':
      return { kind: 'take over' }
    case 'join the job':
      return { kind: 'take over', yields: true }
    case 'repair':
      return rebuildOf(known, state)
    case 'sweep':
    case 'failing save':
    case 'lose the catalog':
      throw new Error(`To ${operation.kind} commits nothing`)
  }
}
