import { posix } from 'node:path'
import { composed, type Manifest, type ManifestFile } from '../../catalog/documents/index.ts'
import { noSuchFile } from '../attempts/no-such-file.ts'

/**
 * Returns the files of a checkpoint that a restore delivers, in the order of `wanted`, each once. `wanted` has names and glob
 * patterns with `*`, `?`, `[a-z]`, `{a,b}` and `**`, which also match names that begin with a dot. A file of that very name comes
 * before the files that match. A pattern without a slash matches names in every folder, and one that ends with a slash the
 * files in a folder. Rejects with `NOT_FOUND` if one of them selects no file.
 */
export async function wantedFiles(
  { step, files }: Pick<Manifest, 'step' | 'files'>,
  wanted: readonly string[] | undefined,
): Promise<readonly ManifestFile[]> {
  if (wanted === undefined) return files
  const selected = new Set<ManifestFile>()
  for (const each of wanted) {
    const named = files.find(({ name }) => composed(name) === composed(each))
    const found = named === undefined ? await filesMatching(each, files) : [named]
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

async function filesMatching(
  pattern: string,
  files: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  if (!isPattern(pattern)) return []
  const { default: picomatch } = await import('picomatch') // most restores have no patterns
  const glob = composed(pattern).replace(/^\.\//, '').replace(/\/+$/, '/**')
  const matches = picomatch(glob, { dot: true, nonegate: true, windows: false })
  const isForNames = !glob.includes('/')
  return files.filter(({ name }) => matches(composed(isForNames ? posix.basename(name) : name)))
}

/** A name without these characters matches nothing but itself. */
function isPattern(text: string): boolean {
  return /[*?[\]{}]|\/$/.test(text)
}
