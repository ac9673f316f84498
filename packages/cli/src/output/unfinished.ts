import { formatSize, type UnfinishedSaves } from '@holdfast/core'
import { count, joined } from './text.ts'

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
