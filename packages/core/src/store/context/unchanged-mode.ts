import { HoldfastError } from '../../errors.ts'
import { shown } from '../../input/shown.ts'

/**
 * What happens to a file that has the name and the bytes of a file of the latest checkpoint.
 *
 * - `auto`: an object store copies it by itself, so it is not sent again. A disk stores it again.
 * - `link`: also on a disk, it is a clone of the stored file or a hard link to it. A bad block of the disk then damages every
 *   checkpoint that shares it. So each save keeps two physical copies among the checkpoints that stay.
 * - `never`: it is stored again.
 */
export type UnchangedMode = 'auto' | 'link' | 'never'

export const unchangedModes = ['auto', 'link', 'never'] as const satisfies readonly UnchangedMode[]

/** Throws `INVALID_ARGUMENT` for a value that is no mode. Callers in JavaScript can pass any value. */
export function assertUnchangedMode(mode: UnchangedMode | undefined): void {
  if (mode === undefined || unchangedModes.includes(mode)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `unchanged must be 'auto', 'link' or 'never', not ${shown(mode)}.`,
  )
}
