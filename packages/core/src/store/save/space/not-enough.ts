import type { CatalogEntry, Removed } from '../../../catalog/documents/index.ts'
import { isPinnedByRepair } from '../../../catalog/judging/repair-pin.ts'
import type { WholeCatalog } from '../../../catalog/pages/index.ts'
import { HoldfastError } from '../../../errors.ts'
import { formatSize } from '../../../space/index.ts'
import { describeUnfinished } from '../../attempts/unfinished.ts'
import { isUnfinishedSufficient, stepsToDrop } from './deletable.ts'
import type { ComingSave, Shortage } from './shortage.ts'

/** The largest number of pinned steps that the error names. */
const namedSteps = 5

/** Returns the error for a save that does not fit. It names everything that could be deleted. */
export async function notEnough(save: ComingSave, shortage: Shortage): Promise<HoldfastError> {
  const { context, access, step } = save
  const deletable = await shortage.deletable()
  const { unfinished, wanted, catalog } = deletable
  const { removed = [] } = catalog
  const isForbidden = !context.space.makeRoom && !isUnfinishedSufficient(deletable)
  const droppable = isForbidden ? stepsToDrop(context, deletable, wanted) : []
  const repairPinned = pinnedByRepair(catalog)
  const hint = {
    kind: 'free-space',
    canMakeRoom: droppable.length > 0,
    canDelete: hasDeletable(catalog),
    repairPinned,
    hasUnfinished: unfinished.saves > 0 && access.unfinishedOf === 'other writers',
    hasRemoved: removed.length > 0,
  } as const
  const { kind: _, ...ways } = hint
  const isOfUse = repairPinned.length > 0 || Object.values(ways).includes(true)
  const droppableText =
    droppable.length > 0 ? [`To make room, Holdfast would drop ${stepsText(droppable)}.`] : []
  return new HoldfastError(
    'INSUFFICIENT_SPACE',
    [
      shortageText(step, shortage),
      ...droppableText,
      ...describeRemoved(removed),
      ...describeUnfinished(unfinished, access.unfinishedOf),
      ...describeRepairPinned(repairPinned),
    ].join(' '),
    { url: context.backend.url, hint: isOfUse ? hint : undefined },
  )
}

/** Whether `delete` accepts any checkpoint. */
function hasDeletable(catalog: WholeCatalog): boolean {
  return (
    catalog.quarantined.length > 0 || deletableIfUnpinned(catalog).some(({ pinned }) => pinned === undefined)
  )
}

/** Returns the steps that `delete` accepts once a person ends the pins of a repair. */
function pinnedByRepair(catalog: WholeCatalog): readonly number[] {
  const steps = deletableIfUnpinned(catalog)
    .filter(isPinnedByRepair)
    .map(({ step }) => step)
  return [...new Set(steps)].sort((one, other) => one - other)
}

/** Returns the checkpoints that `delete` accepts unless they are pinned: all except the last listed one. */
function deletableIfUnpinned({ checkpoints, abandoned = [] }: WholeCatalog): readonly CatalogEntry[] {
  return [...(checkpoints.length > 1 ? checkpoints.all : []), ...abandoned]
}

function describeRepairPinned(steps: readonly number[]): readonly string[] {
  if (steps.length === 0) return []
  const more = steps.length - namedSteps
  const text = more > 0 ? `steps ${steps.slice(0, namedSteps).join(', ')} and ${more} more` : stepsText(steps)
  return [`A repair pinned ${text}, which may need no pin.`]
}

function describeRemoved(removed: readonly Removed[]): readonly string[] {
  if (removed.length === 0) return []
  const bytes = removed.reduce((sum, { entry }) => sum + entry.bytes, 0)
  const [what, verb] = removed.length === 1 ? ['checkpoint', 'takes'] : ['checkpoints', 'take']
  return [`${removed.length} removed ${what} ${verb} ${formatSize(bytes)}, kept for an undo.`]
}

function shortageText(step: number, { needed, refused }: Shortage): string {
  const { available, kept, missing } = refused
  const keptFree = kept > 0 ? ` and ${formatSize(kept)} is kept free` : ''
  const inodesLeft =
    available.inodes === 0 ? 'has no inodes left' : `has only ${available.inodes} inodes left`
  const lacking = [
    ...(missing.bytes > 0
      ? [`${formatSize(needed.bytes)}${keptFree}, but only ${formatSize(available.bytes)} is free`]
      : []),
    ...(missing.inodes > 0
      ? [`${needed.inodes} inodes for its files and folders, but the file system ${inodesLeft}`]
      : []),
  ]
  const toFree = [
    ...(missing.bytes > 0 ? [formatSize(missing.bytes)] : []),
    ...(missing.inodes > 0 ? [`${missing.inodes} inodes`] : []),
  ]
  return (
    `Not enough space: step ${step} needs ${lacking.join('. It also needs ')}. ` +
    `Nothing of step ${step} was written. Free ${toFree.join(' and ')}.`
  )
}

function stepsText(steps: readonly number[]): string {
  const [only] = steps
  if (only !== undefined && steps.length === 1) return `step ${only}`
  return `steps ${steps.slice(0, -1).join(', ')} and ${String(steps.at(-1))}`
}
