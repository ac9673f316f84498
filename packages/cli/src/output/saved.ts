import { formatSize, type SaveResult } from '@holdfast/core'
import type { Printer } from './printer.ts'
import { count, formatDuration, joined, shortDigest } from './text.ts'

/** Prints a saved checkpoint: what was stored, what deserves attention, and what the same commit dropped. */
export function printSaved(printer: Printer, saved: SaveResult): void {
  const { step, warnings, isLatest, highestStep, isAbandoned, dropped } = saved
  printer.line(savedText(saved))
  for (const warning of warnings) printer.note(warning)
  if (isLatest && step < highestStep)
    printer.note(
      `step ${step} is below step ${highestStep}, which was saved before. latest is step ${step} now.`,
    )
  if (isAbandoned)
    printer.note(
      `The run was rewound while step ${step} was saved, so step ${step} is abandoned. The next save drops it unless it is pinned.`,
    )
  for (const each of dropped) printer.line(joined(`dropped step ${each.step}`, each.because))
}

function savedText(saved: SaveResult): string {
  const { step, alreadySaved, bestOf } = saved
  return joined(
    ...(alreadySaved ? [`step ${step} is already saved, with the same bytes`] : outcomeOf(saved)),
    bestOf.length > 0 && `best ${bestOf.join(', ')}`,
  )
}

function outcomeOf({
  step,
  ranks,
  committedBy,
  files,
  fileCount,
  bytes,
  unchangedBytes,
  duration,
}: SaveResult): readonly string[] {
  const unchanged = unchangedBytes === 0 ? '' : ` (${formatSize(unchangedBytes)} unchanged)`
  const size = `${formatSize(bytes)}${unchanged} in ${formatDuration(duration)}`
  if (ranks !== undefined) {
    const together = `saved step ${step} together`
    if (committedBy === ranks.rank) return [together, count(ranks.size, 'rank'), size]
    return committedBy === undefined ? [together] : [together, `committed by rank ${committedBy}`]
  }
  const [only, ...others] = files
  const isOne = only !== undefined && others.length === 0
  return [`saved step ${step}`, size, isOne ? `sha256 ${shortDigest(only.sha256)}` : `${fileCount} files`]
}
