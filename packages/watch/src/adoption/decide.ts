import type { CheckpointDetails } from '@holdfast/core'
import { isRecord } from '../formats/json.ts'
import type { Adopted } from '../memory/memory.ts'
import type { WholeCheckpoint } from './inspect.ts'

/** Where an adopted checkpoint comes from, as its metadata records it. */
export interface AdoptedFrom {
  readonly name: string
  readonly layout: string
  /** The modification time of its newest file. */
  readonly modifiedAt: string
}

/** The content of the store at a step. */
export interface Existing {
  readonly digest: string
  /** `undefined` if another program saved it. */
  readonly from: Pick<AdoptedFrom, 'name' | 'modifiedAt'> | undefined
  /** Why it must not be replaced, such as `is pinned`; `undefined` if it may be. */
  readonly heldBecause: string | undefined
}

/** To save a checkpoint as a step. */
export interface SaveDecision {
  readonly do: 'save'
  readonly step: number
  readonly onExisting: 'fail' | 'replace'
}

/** What to do with a complete checkpoint, and why. */
export type Decision =
  | SaveDecision
  /** The store has the checkpoint. If `isListed` is false, it had it, and has dropped it since. */
  | {
      readonly do: 'remember'
      readonly step: number
      readonly digest: string
      readonly isListed: boolean
    }
  | { readonly do: 'pass over'; readonly reason: string }

export interface Facts {
  readonly step: number
  /**
   * The digest of the files in the folder. `undefined` if no checkpoint with the same name or step makes it necessary.
   */
  readonly digest: string | undefined
  readonly known: Adopted | undefined
  readonly wasAdoptedElsewhere: boolean
  /** Whether the store lists these bytes. */
  readonly isListed: boolean
  /** Whether the run has gone back since the adoption, and has computed the same bytes again. */
  readonly isRecomputed: boolean
  /** Whether files were only added to it since its adoption, and another checkpoint is the latest now. */
  readonly isLateAddition: boolean
  readonly existing: Existing | undefined
}

/** Decides what to do with a complete checkpoint. The version of a step that was written last wins. */
export function decide(
  { candidate, snapshot, reading }: WholeCheckpoint,
  { step, digest, known, isListed, existing, ...facts }: Facts,
): Decision {
  if (digest !== undefined && !facts.isRecomputed) {
    if (known?.digest === digest && (reading.step === undefined || known.step === step))
      return { do: 'remember', step: known.step, digest, isListed }
    if (facts.wasAdoptedElsewhere || existing?.digest === digest)
      return { do: 'remember', step, digest, isListed }
  }
  // Saved again, it would be the latest, although the training has not changed it.
  if (facts.isLateAddition)
    return { do: 'pass over', reason: 'files were added to it after a later one was saved' }
  if (existing === undefined) return { do: 'save', step, onExisting: 'fail' }
  const { from, heldBecause } = existing
  if (from === undefined)
    return { do: 'pass over', reason: `step ${step} was saved by a program, with other bytes` }
  if (Date.parse(from.modifiedAt) > Math.floor(snapshot.modifiedAt) && from.name !== candidate.name)
    return { do: 'pass over', reason: `${from.name} is also step ${step}, and was written later` }
  if (heldBecause !== undefined)
    return { do: 'pass over', reason: `step ${step} ${heldBecause}, and was saved with other bytes` }
  return { do: 'save', step, onExisting: 'replace' }
}

/** Reads from the metadata of a checkpoint where it comes from. Returns `undefined` if it was not adopted. */
export function recordedFrom(details: Pick<CheckpointDetails, 'metadata'>): Existing['from'] {
  const watch = isRecord(details.metadata) ? details.metadata['watch'] : undefined
  if (!isRecord(watch)) return undefined
  const { name, modifiedAt } = watch
  return typeof name === 'string' && typeof modifiedAt === 'string' ? { name, modifiedAt } : undefined
}
