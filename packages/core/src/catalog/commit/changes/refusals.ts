import type { ErrorHint } from '../../../hints.ts'
import type { Objectives } from '../../../metrics/index.ts'
import type { CatalogEntry } from '../../documents/index.ts'
import { noCheckpointOfStep } from '../../judging/choose.ts'
import { bestNames, hasFields, holderOf, judge } from '../../judging/judgement.ts'
import { isPinnedByRepair } from '../../judging/repair-pin.ts'
import { type PagedCatalog, wholeCatalog } from '../../pages/index.ts'
import type { Refusal } from './change.ts'

export function invalid(why: string, hint?: ErrorHint): Refusal {
  return { kind: 'refused', code: 'INVALID_ARGUMENT', why, hint }
}

export function noSuchStep(step: number): Refusal {
  return {
    kind: 'refused',
    code: 'NOT_FOUND',
    why: noCheckpointOfStep(step),
    hint: { kind: 'list' },
  }
}

/** Returns why these checkpoints must not be deleted: one is pinned, or is the best of an objective. */
export function protection(
  catalog: PagedCatalog,
  going: readonly CatalogEntry[],
  {
    allowBest = false,
    objectives,
  }: { readonly allowBest?: boolean | undefined; readonly objectives: Objectives },
): Refusal | undefined {
  const pinned = going.find((entry) => entry.pinned !== undefined)
  if (pinned !== undefined) return invalid(whyPinned(pinned))
  if (allowBest || going.length === 0 || !hasFields(objectives)) return undefined
  const whole = wholeCatalog(catalog)
  const judgement = judge(whole, objectives)
  for (const { step, attempt } of going) {
    const names = holderOf(whole, step)?.attempt === attempt ? bestNames(judgement, step) : []
    if (names.length === 0) continue
    return invalid(`Step ${step} is the best ${names.join(' and ')}.`, { kind: 'allow-best' })
  }
  return undefined
}

function whyPinned(entry: CatalogEntry): string {
  return isPinnedByRepair(entry)
    ? `A repair pinned step ${entry.step}, because it may have been pinned before. If it needs no pin, unpin it first.`
    : `Step ${entry.step} is pinned. Unpin it first.`
}
