import { readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HoldfastError } from '../../errors.ts'
import { fromNodeError, nodeErrorCode } from '../../node-errors.ts'
import { namePattern } from '../name-pattern.ts'

/** A file of this name in a saved folder lists patterns of files to exclude, one on each line. */
const ignoreFileName = '.holdfastignore'

const mostIgnoreFileBytes = 2 ** 20

/** Returns whether a file or folder is excluded. */
export type Excludes = (entry: {
  /** The path below the saved folder. */
  readonly relative: string
  /** The name in the checkpoint, which begins with the name of the folder. */
  readonly name: string
  readonly isFolder: boolean
}) => boolean

/**
 * Compiles glob patterns (see `namePattern`). A pattern without a slash matches names in every folder. One with a slash matches the path below the saved folder, or
 * the name in the checkpoint. One that ends with a slash matches folders only. The files in an excluded
 * folder are excluded. Throws `INVALID_ARGUMENT` for an invalid pattern; `where` names its origin.
 */
export async function exclusionsOf(patterns: readonly string[], where: string): Promise<Excludes> {
  const exclusions = await Promise.all(patterns.map(async (pattern) => exclusionOf(pattern, where)))
  return (entry) => exclusions.some((excludes) => excludes(entry))
}

async function exclusionOf(pattern: string, where: string): Promise<Excludes> {
  const { glob, foldersOnly, anywhere } = parse(pattern, where)
  const matches = await namePattern(glob)
  return ({ relative, name, isFolder }) =>
    (isFolder || !foldersOnly) &&
    (anywhere ? matches(basename(relative)) : matches(relative) || matches(name))
}

/** The patterns in the `.holdfastignore` of a folder. Empty lines and lines that begin with `#` are ignored. */
export async function ignoredIn(folder: string): Promise<Excludes> {
  const path = join(folder, ignoreFileName)
  const lines = (await textOf(path)).split(/\r?\n/).map((line) => line.trim())
  return exclusionsOf(
    lines.filter((line) => line !== '' && !line.startsWith('#')),
    path,
  )
}

async function textOf(path: string): Promise<string> {
  try {
    const stats = await stat(path)
    if (stats.isFile() && stats.size <= mostIgnoreFileBytes) return await readFile(path, 'utf8')
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return ''
    throw fromNodeError(error, `reading ${path}`)
  }
  throw new HoldfastError('INVALID_ARGUMENT', `${path} must be a file of at most 1 MiB.`)
}

function parse(
  pattern: string,
  where: string,
): { readonly glob: string; readonly foldersOnly: boolean; readonly anywhere: boolean } {
  if (pattern.startsWith('!')) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${where}: ${JSON.stringify(pattern)} begins with "!", but patterns cannot include files again. Use patterns that exclude less.`,
    )
  }
  const inner = pattern.replace(/^\.?\//, '').replace(/\/+$/, '')
  if (inner === '' || inner === '.' || inner.split('/').includes('..')) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${where}: ${JSON.stringify(pattern)} must be a pattern for names below the saved folder, such as "*.log".`,
    )
  }
  return {
    glob: inner,
    foldersOnly: pattern.endsWith('/'),
    anywhere: !inner.includes('/') && inner.length >= pattern.replace(/\/+$/, '').length,
  }
}
