import { keyFault } from '../backend/index.ts'
import { HoldfastError } from '../errors.ts'
import { manifestName } from './documents/layout.ts'

/** The most bytes of UTF-8 in a file's name: with the attempt's prefix it stays within S3's 1024. */
export const maxFileNameBytes = 900

/** Why a file of a checkpoint cannot have this name, as the end of a sentence; `undefined` when it can. */
export function fileNameFault(name: string): string | undefined {
  if (name === manifestName) return 'is the name of the manifest; give the file another one'
  if (Buffer.byteLength(name) > maxFileNameBytes) return `is longer than ${maxFileNameBytes} bytes`
  return keyFault(name)
}

/**
 * Throws `INVALID_ARGUMENT` unless every name is valid and no two would meet where case, or the way that
 * accents are encoded, does not count, or where one is a folder of another: a checkpoint must be restorable
 * on every file system.
 */
export function assertFileNames(names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const fault = fileNameFault(name)
    if (fault !== undefined)
      throw new HoldfastError('INVALID_ARGUMENT', `The file name ${JSON.stringify(name)} ${fault}.`)
    const folded = fold(name)
    const twin = seen.get(folded)
    if (twin !== undefined) throw clash(name, twin)
    seen.set(folded, name)
  }
  for (const [folded, name] of seen) {
    for (let slash = folded.lastIndexOf('/'); slash > 0; slash = folded.lastIndexOf('/', slash - 1)) {
      const file = seen.get(folded.slice(0, slash))
      if (file !== undefined) throw clash(name, file)
    }
  }
}

function fold(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

function clash(name: string, other: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The file names ${JSON.stringify(other)} and ${JSON.stringify(name)} cannot stand side by side on every file system. Rename one.`,
  )
}
