import {
  type CheckpointStore,
  formatSize,
  isHoldfastError,
  type UnfinishedJointSave,
  type UnfinishedSaves,
} from '@holdfast/core'
import type { Printer } from './printer.ts'
import { count, formatDuration, joined, numbersText } from './text.ts'

/**
 * Describes saves that were not committed: running ones of this machine, and possible leftovers. While the ranks of a job save
 * together, all are theirs, and to remove them would end their save.
 */
export function unfinishedLines(
  { until, running, ended, ...all }: UnfinishedSaves,
  joint: readonly UnfinishedJointSave[],
): readonly string[] {
  const [saves, bytes] = [all.saves - ended.saves, all.bytes - ended.bytes]
  const expiry = until === undefined ? 'kept for the grace period' : `kept until ${until.toISOString()}`
  const fate =
    joint.length > 0
      ? 'of the ranks of a job. Its next start removes what they do not finish'
      : `${expiry}, because ${saves === 1 ? 'its writer' : 'their writers'} may still run. ` +
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
            formatSize(ended.bytes),
            ended.saves === 1
              ? 'its process has ended; the next save or sweep deletes it'
              : 'their processes have ended; the next save or sweep deletes them',
          ),
        ]),
    ...(saves === 0 ? [] : [joined(count(saves, 'unfinished save'), formatSize(bytes), fate)]),
  ]
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
