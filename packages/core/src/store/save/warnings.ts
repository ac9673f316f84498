import { formatSize } from '../../space/index.ts'
import type { FoundFile } from './walk.ts'

/** The size of holes in bytes below which they are not reported. */
const leastHole = 2 ** 20
const blockBytes = 512n

/** What a walk found, by the names in the checkpoint. */
interface Found {
  readonly files: readonly FoundFile[]
  /** Symbolic links that were followed. */
  readonly links: readonly string[]
  readonly emptyFolders: readonly string[]
}

/** Returns what a checkpoint of these files does not keep, or stores more than once, as sentences. */
export function warningsAbout({ files, links, emptyFolders }: Found): readonly string[] {
  return [aboutRepeated(files), aboutHoles(files), aboutUnkept(links, emptyFolders)].filter(
    (warning) => warning !== undefined,
  )
}

/** Includes links to a file that is also saved under another name. */
function aboutRepeated(files: readonly FoundFile[]): string | undefined {
  const seen = new Set<string>()
  const repeated = files.filter(({ stats: { dev, ino } }) => {
    const identity = `${dev}:${ino}`
    if (seen.has(identity)) return true
    seen.add(identity)
    return false
  })
  const [first] = repeated
  const bytes = repeated.reduce((sum, { stats }) => sum + Number(stats.size), 0)
  if (first === undefined || bytes === 0) return undefined
  return `${counted(repeated.length, 'file')} (${first.name}${repeated.length > 1 ? ', ...' : ''}) ${repeated.length === 1 ? 'is' : 'are'} stored more than once, because links are followed: ${formatSize(bytes)} more.`
}

function aboutHoles(files: readonly FoundFile[]): string | undefined {
  const sparse = files.filter(
    ({ stats }) => holeOf(stats) >= leastHole && holeOf(stats) > Number(stats.size) / 2,
  )
  const [first] = sparse
  if (first === undefined) return undefined
  const holes = sparse.reduce((sum, { stats }) => sum + holeOf(stats), 0)
  return `${counted(sparse.length, 'file')} (${first.name}${sparse.length > 1 ? ', ...' : ''}) ${sparse.length === 1 ? 'takes' : 'take'} ${formatSize(holes)} less on this disk than in a checkpoint, which fills the holes of sparse files.`
}

function holeOf({ size, blocks }: FoundFile['stats']): number {
  return Number(size - blocks * blockBytes)
}

/** Links and empty folders, in one sentence. */
function aboutUnkept(links: readonly string[], emptyFolders: readonly string[]): string | undefined {
  const found = [...example(links, 'link', 'followed'), ...example(emptyFolders, 'empty folder', 'skipped')]
  if (found.length === 0) return undefined
  return `${found.join(' and ')}. A checkpoint keeps files and their permissions, but no links, empty folders or times.`
}

function example(names: readonly string[], noun: string, done: string): readonly string[] {
  const [first] = names
  if (first === undefined) return []
  return [
    `${counted(names.length, noun)} (${first}${names.length > 1 ? ', ...' : ''}) ${names.length === 1 ? 'was' : 'were'} ${done}`,
  ]
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
