import { KnownBackends, type SourceObject } from '@holdfast/core/backend'
import type { Disk } from './disk.ts'
import type { Names } from './names.ts'

/** The names of the backends of this adapter. */
export const knownNames = new KnownBackends<Names>()

/** Returns the path of an object of this store; `undefined` if it is one of another store. */
export function pathIn({ names }: Disk, object: SourceObject): string | undefined {
  return knownNames.of(object)?.root === names.root ? names.path(object.key) : undefined
}
