import { type Contents, type ContentFile } from '../folder/contents.ts'
import { isHdf5, missingOfHdf5 } from './hdf5.ts'
import { missingOfSafetensors } from './safetensors.ts'
import { endOfPickle, isPickle } from './pickle.ts'
import { isZip, missingOfZip } from './zip.ts'

/** Whether a file is complete. `unknown`: its format does not show its end. */
export type Wholeness = 'whole' | 'unknown' | { readonly missing: string }

/** Formats whose files always begin with eight bytes that are not all zero. */
const trainersOwn = /\.(pt|pth|ckpt|keras|h5)$/
const startBytes = 8

/** Checks the structure of a file by its extension and first bytes. Unpacks and executes nothing. */
export async function wholeness(contents: Contents, { name, size }: ContentFile): Promise<Wholeness> {
  if (name.endsWith('.safetensors')) return verdict(await missingOfSafetensors(contents, name, size))
  const start = await contents.read(name, 0, startBytes)
  // Parts of several concatenated archives.
  if (name.endsWith('.distcp')) return 'unknown'
  if (isZip(start)) return verdict(await missingOfZip(contents, name, size))
  if (isHdf5(start)) return verdict(await missingOfHdf5(contents, name, size))
  if (isPickle(start)) {
    const end = await endOfPickle(contents, name, size)
    return end === 'cut' ? { missing: 'the end of the pickle' } : end
  }
  const isBlank = start.byteLength < startBytes || start.every((byte) => byte === 0)
  if ((isBlank && trainersOwn.test(name)) || name.endsWith('.keras'))
    return { missing: 'the first bytes of the file' }
  return 'unknown'
}

/**
 * Checks the structure of all files of a checkpoint. A folder is never known to be whole, because its files may all be whole before its
 * writer adds the last one.
 */
export async function wholenessOfAll(contents: Contents): Promise<Wholeness> {
  const [file] = contents.files
  if (!contents.isFolder && file !== undefined) return wholeness(contents, file)
  const missing = await firstMissing(contents)
  return missing === undefined ? 'unknown' : { missing }
}

/** Returns the first incomplete file of a folder, as "what of which file". */
export async function firstMissing(
  contents: Contents,
  files: readonly ContentFile[] = contents.files,
): Promise<string | undefined> {
  for (const file of files) {
    const found = await wholeness(contents, file)
    if (typeof found === 'object')
      return contents.isFolder ? `${found.missing} (${file.name})` : found.missing
  }
  return undefined
}

function verdict(missing: string | undefined): Wholeness {
  return missing === undefined ? 'whole' : { missing }
}
