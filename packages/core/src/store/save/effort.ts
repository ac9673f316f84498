import { durationSince } from '../../environment.ts'
import type { StoreContext } from '../context/context.ts'
import type { SavePlan } from './plan.ts'
import type { SaveContent } from './prepare-content.ts'
import type { SaveResult } from './result.ts'

/** Returns the members of a result that describe what the save did with its own files. */
export function effortOf(
  { environment }: StoreContext,
  { finite, reuse }: SaveContent,
  plan: SavePlan,
  began: Date,
): Pick<SaveResult, 'unchangedBytes' | 'warnings' | 'duration'> {
  return {
    unchangedBytes: reuse?.bytes ?? 0,
    warnings: [...plan.warnings, ...(finite?.warnings ?? [])],
    duration: durationSince(environment, began),
  }
}
