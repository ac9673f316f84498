import { HoldfastError } from '../../errors.ts'
import { shown } from '../../input/shown.ts'

/**
 * Whether small files (below 1 MiB, of known size) are stored together in few objects.
 *
 * - `auto`: on object stores, if a checkpoint has more than 64 of them. A checkpoint of less than 64 KiB is stored in its manifest.
 * - `always`: also on a disk, and however few there are. Packed files have no path of their own.
 * - `never`: each file is one object.
 */
export type PackMode = 'auto' | 'always' | 'never'

export const packModes = ['auto', 'always', 'never'] as const satisfies readonly PackMode[]

/** Throws `INVALID_ARGUMENT` for a value that is no mode. Callers in JavaScript can pass any value. */
export function assertPackMode(mode: PackMode | undefined): void {
  if (mode === undefined || packModes.includes(mode)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `packs must be 'auto', 'always' or 'never', not ${shown(mode)}.`,
  )
}
