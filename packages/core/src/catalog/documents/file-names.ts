import { keyFault } from '../../backend/index.ts'
import { HoldfastError } from '../../errors.ts'
import { manifestName, temporaryPrefix } from './layout.ts'

/**
 * The longest name of a file in bytes of UTF-8. With the prefix of an attempt, the key stays below the limit of S3
 * (1024).
 */
const maxFileNameBytes = 900

/** Names whose first part is this folder are reserved. */
const reservedFolder = '.holdfast'

/** Returns why a file of a checkpoint cannot have this name, as the end of a sentence; `undefined` for a valid name. */
export function fileNameFault(name: string): string | undefined {
  if (Buffer.byteLength(name) > maxFileNameBytes)
    return `is longer than ${maxFileNameBytes} bytes; shorten it`
  const fault = keyFault(name)
  return fault === undefined ? reservedNameFault(fold(name).split('/')) : `${fault}; rename the file`
}

/**
 * Returns why an object of a checkpoint cannot have this path below its attempt, as the end of a sentence. Returns
 * `undefined` for a valid path. Unlike a file, an object may be in the reserved folder.
 */
export function objectFault(object: string): string | undefined {
  const [first, ...others] = fold(object).split('/')
  const isReserved = first === reservedFolder && others.length > 0
  return fileNameFault(isReserved ? object.slice(reservedFolder.length + 1) : object)
}

/** Case is ignored, because `Manifest.json` and `manifest.json` are the same file on some file systems. */
function reservedNameFault(parts: readonly string[]): string | undefined {
  const [first] = parts
  if (first === manifestName)
    return `begins with ${manifestName}, which is reserved for the manifest; rename the file`
  if (first === reservedFolder) return `begins with ${reservedFolder}, which is reserved; rename the file`
  if (parts.some((part) => part.startsWith(temporaryPrefix)))
    return `has a part that begins with ${temporaryPrefix}, which is reserved for temporary files; rename the file`
  return undefined
}

/**
 * Throws `INVALID_ARGUMENT` for an invalid name, and for two names that cannot both exist on some file systems. So
 * every checkpoint can be restored on every file system.
 */
export function assertFileNames(names: readonly string[]): void {
  for (const name of names) {
    const fault = fileNameFault(name)
    if (fault !== undefined)
      throw new HoldfastError('INVALID_ARGUMENT', `The file name ${JSON.stringify(name)} ${fault}.`)
  }
  const clash = nameClash(names)
  if (clash === undefined) return
  const [name, other] = clash.map((each) => JSON.stringify(each))
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `The file names ${other ?? ''} and ${name ?? ''} cannot exist together on every file system. Rename one.`,
  )
}

/**
 * Returns two names that are equal without case and Unicode normalisation, or of which one is a folder of the other.
 * Returns `undefined` if there are none.
 */
export function nameClash(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>()
  for (const name of names) {
    const folded = fold(name)
    const twin = seen.get(folded)
    if (twin !== undefined) return [name, twin]
    seen.set(folded, name)
  }
  for (const [folded, name] of seen) {
    for (let slash = folded.lastIndexOf('/'); slash > 0; slash = folded.lastIndexOf('/', slash - 1)) {
      const file = seen.get(folded.slice(0, slash))
      if (file !== undefined) return [name, file]
    }
  }
  return undefined
}

/**
 * Returns a name in the normal form in which names are compared. HFS+ of macOS stores and returns names in another one (NFD), and
 * no keyboard writes that: https://developer.apple.com/library/archive/technotes/tn/tn1150.html#UnicodeSubtleties. No checkpoint
 * has two names that differ only in their form.
 */
export function composed(name: string): string {
  return name.normalize('NFC')
}

function fold(name: string): string {
  return composed(name).toLowerCase()
}
