import type { CheckpointStore } from '@holdfast/core'
import type { Candidate } from '../folder/find-candidates.ts'
import type { TrainersOrder } from './order.ts'
import { Announcements } from './announcements.ts'
import { decideFor } from './decide-for.ts'
import { eligible } from './eligible.ts'
import type { WatchedFolder } from './watched-folder.ts'

/** What is known of a checkpoint in the folder. */
export type PresentState =
  | { readonly state: 'incomplete'; readonly missing: string }
  /** The store has it or had it, as this step. */
  | { readonly state: 'stored'; readonly step: number; readonly digest: string; readonly isNumbered: boolean }
  /** It is complete, and was never saved. */
  | { readonly state: 'unsaved'; readonly step: number; readonly isSignalled: boolean }
  /** It is complete, and is not saved: another checkpoint has its step. */
  | { readonly state: 'passed over'; readonly step: number | undefined }
  /** A folder with a step in its name, and nothing of the layout in it. */
  | { readonly state: 'hollow'; readonly step: number | undefined }
  /** It has no number, and repeats one that has. */
  | { readonly state: 'repeat' }

export type Present = PresentState & { readonly candidate: Candidate }

/**
 * Everything in the folder that may be a checkpoint and can be read, in the trainer's order. Changes nothing. Rejects if one
 * can perhaps be read later.
 */
export async function takeInventory(
  store: CheckpointStore,
  folder: WatchedFolder,
  { order, signal }: { readonly order: TrainersOrder; readonly signal: AbortSignal | undefined },
): Promise<readonly Present[]> {
  const found = await folder.survey()
  if (found === undefined) return []
  const temporary = found.unreadable.find(({ error }) => error.retryable)
  if (temporary !== undefined) throw temporary.error
  const memory = await folder.memory()
  const present: Present[] = found.inspections.flatMap((each) =>
    each.state === 'incomplete'
      ? [{ state: 'incomplete', candidate: each.candidate, missing: each.missing } as const]
      : [],
  )
  const adoptable = eligible(found, memory, order, new Announcements(undefined))
  for (const each of adoptable) {
    const { candidate } = each
    if (each.state === 'adopted') {
      const { step, digest, isNumbered } = each.known
      present.push({ state: 'stored', candidate, step, digest, isNumbered })
      continue
    }
    const { step, isSignalled } = each.reading
    const decision = await decideFor(each, { store, memory, planned: new Map(), signal })
    if (decision.do === 'save')
      present.push({ state: 'unsaved', candidate, step: decision.step, isSignalled })
    else if (decision.do === 'pass over') present.push({ state: 'passed over', candidate, step })
    else {
      const { digest } = decision
      present.push({
        state: 'stored',
        candidate,
        step: decision.step,
        digest,
        isNumbered: step !== undefined,
      })
    }
  }
  const names = new Set(present.map(({ candidate }) => candidate.name))
  for (const { candidate } of found.inspections)
    if (!names.has(candidate.name)) present.push({ state: 'repeat', candidate })
  for (const candidate of found.hollow)
    present.push({ state: 'hollow', candidate, step: candidate.captured.step })
  return present
}
