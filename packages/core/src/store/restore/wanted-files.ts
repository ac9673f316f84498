import { posix } from 'node:path'
import { composed, type Manifest, type ManifestFile } from '../../catalog/documents/index.ts'
import { noSuchFile } from '../attempts/no-such-file.ts'
import { namePattern } from '../name-pattern.ts'

/** The files of a checkpoint by their names in composed form. */
type FilesByName = ReadonlyMap<string, ManifestFile>

/**
 * Returns the files of a checkpoint that a restore delivers, in the order of `wanted`, each once. `wanted` has names and glob
 * patterns (see `namePattern`). A file or folder of that very name comes before the files that match. A pattern without a slash
 * matches names in every folder, and one that ends with a slash the files in a folder. Rejects with `NOT_FOUND` if one of them
 * selects no file.
 */
export async function wantedFiles(
  { step, files }: Pick<Manifest, 'step' | 'files'>,
  wanted: readonly string[] | undefined,
): Promise<readonly ManifestFile[]> {
  if (wanted === undefined) return files
  const byName = new Map(files.map((file) => [composed(file.name), file]))
  const selected = new Set<ManifestFile>()
  for (const each of wanted) {
    const named = byName.get(composed(each))
    const found = named === undefined ? await filesMatching(each, byName) : [named]
    if (found.length === 0) {
      throw noSuchFile(
        step,
        each,
        files.map(({ name }) => name),
      )
    }
    for (const file of found) selected.add(file)
  }
  return [...selected]
}

async function filesMatching(pattern: string, files: FilesByName): Promise<readonly ManifestFile[]> {
  if (!isPattern(pattern)) return []
  const path = composed(pattern).replace(/^\.\//, '').replace(/\/+$/, '/')
  const isFolder = path === '' || path.endsWith('/')
  const inFolder = isFolder ? filesWhose((name) => name.startsWith(path), files) : []
  if (inFolder.length > 0 || path === '') return inFolder
  const matches = await namePattern(path.replace(/\/$/, '/**'))
  return filesWhose(path.includes('/') ? matches : (name) => matches(posix.basename(name)), files)
}

function filesWhose(isWanted: (name: string) => boolean, files: FilesByName): readonly ManifestFile[] {
  return [...files].filter(([name]) => isWanted(name)).map(([, file]) => file)
}

/** A name without these characters matches nothing but itself. */
function isPattern(text: string): boolean {
  return /[*?[\]{}\\]|\/$/.test(text)
}
