import {
  type CheckpointStore,
  formatSize,
  isHoldfastError,
  type UnfinishedGroup,
  type UnfinishedJointSave,
  type UnfinishedSaves,
} from '@holdfast/core'
import type { Printer } from './printer.ts'
import { count, formatDuration, joined, numbersText } from './text.ts'

/**
 * Describes saves that were not committed: running ones of this machine, and possible leftovers. While the ranks of a job save
 * together, all but copies are theirs, and to remove them would end their save.
 */
export function unfinishedLines(
  { until, running, ended, copies, others }: UnfinishedSaves,
  joint: readonly UnfinishedJointSave[],
): readonly string[] {
  const kept = until === undefined ? 'kept for the grace period' : `kept until ${until.toISOString()}`
  const fate =
    joint.length > 0
      ? 'of the ranks of a job. Its next start removes what they do not finish'
      : `${kept}, because ${others.saves === 1 ? 'its writer' : 'their writers'} may still run. ` +
        'If no writer runs: holdfast sweep --now'
  return [
    ...(running === 0
      ? []
      : [`${count(running, 'save')} ${running === 1 ? 'is' : 'are'} running on this machine`]),
    ...(ended.saves === 0
      ? []
      : [
          joined(
            count(ended.saves, 'unfinished save'),
            unfinishedSize(ended),
            ended.saves === 1
              ? 'its process has ended; the next save or sweep deletes it'
              : 'their processes have ended; the next save or sweep deletes them',
          ),
        ]),
    ...(copies.saves === 0
      ? []
      : [
          joined(
            copies.saves === 1 ? '1 unfinished copy' : `${copies.saves} unfinished copies`,
            unfinishedSize(copies),
            `${kept}. The same holdfast copy continues ${copies.saves === 1 ? 'it' : 'them'}, and so does a mirror`,
          ),
        ]),
    ...(others.saves === 0
      ? []
      : [joined(count(others.saves, 'unfinished save'), unfinishedSize(others), fate)]),
  ]
}

/** Returns the size of unfinished saves, such as `5.0 MB`, `at least 5.0 MB` or `size unknown`. */
export function unfinishedSize({ bytes, isSizeKnown }: UnfinishedGroup): string {
  if (isSizeKnown) return formatSize(bytes)
  return bytes > 0 ? `at least ${formatSize(bytes)}` : 'size unknown'
}

/** Describes a checkpoint that the ranks of a job have not saved completely. */
export function unfinishedJointText({ step, size, missing, since }: UnfinishedJointSave, now: Date): string {
  const age = formatDuration(Math.max(0, now.getTime() - since.getTime()))
  const parts = `step ${step}: ${size - missing.length} of ${count(size, 'part')}`
  if (missing.length === 0) return `${parts}, not committed for ${age}`
  return `${parts}, waiting for ${numbersText('rank', missing)} for ${age}`
}

/**
 * Returns what the ranks of a job have not saved completely. A damaged agreement of theirs hides no checkpoint, so it is a
 * remark.
 */
export async function findUnfinishedJoint(
  store: CheckpointStore,
  printer: Printer,
  signal: AbortSignal,
): Promise<readonly UnfinishedJointSave[]> {
  try {
    return await store.unfinishedJointSaves({ signal })
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    printer.note(`What the ranks of the job are saving cannot be read: ${error.reason}`)
    return []
  }
}
