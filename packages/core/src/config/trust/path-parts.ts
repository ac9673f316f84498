import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { dirname, join, parse, resolve, sep } from 'node:path'
import { HoldfastError } from '../../errors.ts'

/** A folder, a link or a file on a path. */
export interface PathPart {
  readonly path: string
  readonly kind: 'folder' | 'file' | 'link' | 'other'
  /** Permission bits, including the sticky bit. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** Maximum number of links in one path, as on Linux. */
const maxLinks = 40

/**
 * Yields everything that decides which file a path names, from the root down: each folder, each link, and the folders
 * on the path of a link's target. The owner of any of them controls the file. Lazy, so that a caller can check a link
 * before it is followed. Throws the error of Node.js for a part that does not exist.
 */
export function* pathPartsOf(path: string): Generator<PathPart, void, undefined> {
  const { root } = parse(resolve(path))
  let waiting = namesIn(resolve(path).slice(root.length))
  let links = 0
  let at = root
  yield partAt(root)
  for (;;) {
    const [name, ...others] = waiting
    if (name === undefined) return
    waiting = others
    const part = partAt(name === '..' ? dirname(at) : join(at, name))
    yield part
    if (part.kind !== 'link') {
      at = part.path
      continue
    }
    links += 1
    if (links > maxLinks)
      throw new HoldfastError('CONFIG', `${path} leads through too many symbolic links. Remove some of them.`)
    const target = readlinkSync(part.path)
    const targetRoot = parse(target).root
    waiting = [...namesIn(target.slice(targetRoot.length)), ...waiting]
    if (targetRoot === '') continue
    at = resolve(targetRoot)
    yield partAt(at)
  }
}

function namesIn(path: string): readonly string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.')
}

function partAt(path: string): PathPart {
  const stats = lstatSync(path)
  return { path, kind: kindOf(stats), mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid }
}

function kindOf(stats: Stats): PathPart['kind'] {
  if (stats.isDirectory()) return 'folder'
  if (stats.isSymbolicLink()) return 'link'
  return stats.isFile() ? 'file' : 'other'
}
