import { formatSize, type UnfinishedJointSave, type UnfinishedSaves } from '@holdfast/core'
import { count, formatDuration, joined, numbersText } from './text.ts'

/** Describes saves that were not committed: those that run here, and those that may be leftovers. */
export function unfinishedLines({ saves, bytes, until, running }: UnfinishedSaves): readonly string[] {
  const expiry = until === undefined ? 'kept for the grace period' : `kept until ${until.toISOString()}`
  return [
    ...(running === 0
      ? []
      : [`${count(running, 'save')} ${running === 1 ? 'is' : 'are'} running on this machine`]),
    ...(saves === 0
      ? []
      : [
          joined(
            count(saves, 'unfinished save'),
            formatSize(bytes),
            `${expiry}, because ${saves === 1 ? 'its writer' : 'their writers'} may still run. ` +
              'If no writer runs: holdfast sweep --now',
          ),
        ]),
  ]
}

/** Describes a checkpoint that the ranks of a job have not saved completely. */
export function unfinishedJointText({ step, size, missing, since }: UnfinishedJointSave, now: Date): string {
  const age = formatDuration(Math.max(0, now.getTime() - since.getTime()))
  if (missing.length === 0) return `step ${step}: all ${size} parts, not committed for ${age}`
  return `step ${step}: ${size - missing.length} of ${size} parts, waiting for ${numbersText('rank', missing)} for ${age}`
}
