import { wholeCatalog } from '../../pages/index.ts'
import { drop, fewOf, type KindOfChange, unchangedLists } from './change.ts'
import { invalid, noSuchStep, protection } from './refusals.ts'

/** Removes checkpoints that the caller names. */
export interface Delete {
  readonly kind: 'delete'
  readonly steps: readonly number[]
  readonly because: string
  /** Whether the best checkpoint of an objective may be deleted. */
  readonly allowBest?: boolean | undefined
  /** How long an undo can list them again, in milliseconds. Default: the grace period of the retention. */
  readonly undoFor?: number | undefined
}

export const deletion: KindOfChange<Delete> = {
  needsWhole: () => true,
  apply: (newest, change, { objectives }) => {
    const catalog = wholeCatalog(newest)
    const steps = new Set(change.steps)
    const lists = unchangedLists(catalog)
    const quarantined = catalog.quarantined.filter(({ entry }) => steps.has(entry.step))
    const inQuarantine = new Set(quarantined.map(({ entry }) => entry.step))
    const abandoned = lists.abandoned.filter(({ step }) => steps.has(step) && !inQuarantine.has(step))
    // If a step was saved again after it was quarantined or abandoned, that checkpoint is deleted first.
    const setAside = new Set([...inQuarantine, ...abandoned.map(({ step }) => step)])
    const listed = catalog.checkpoints.all.filter(({ step }) => steps.has(step) && !setAside.has(step))
    const going = new Set([...listed.map(({ step }) => step), ...setAside])
    const missing = change.steps.find((step) => !going.has(step))
    if (missing !== undefined) return noSuchStep(missing)
    const { allowBest } = change
    const refused = protection(catalog, [...listed, ...abandoned], { allowBest, objectives })
    if (refused !== undefined) return refused
    if (listed.length > 0 && listed.length === catalog.checkpoints.length) {
      return invalid(
        'This would delete the last good checkpoint, which is never deleted. To delete all checkpoints, delete the store itself.',
      )
    }
    return {
      ...lists,
      checkpoints: catalog.checkpoints.filter(({ step }) => !steps.has(step) || setAside.has(step)),
      quarantined: catalog.quarantined.filter(({ entry }) => !steps.has(entry.step)),
      abandoned: lists.abandoned.filter((entry) => !abandoned.includes(entry)),
      dropped: [
        ...listed.map((entry) => drop(entry, change.because)),
        ...quarantined.map(({ entry }) => drop(entry, `${change.because}, the quarantined one`)),
        ...abandoned.map((entry) => drop(entry, `${change.because}, the abandoned one`)),
      ],
    }
  },
  describe: ({ steps }) => `delete ${fewOf(steps)}`,
}
