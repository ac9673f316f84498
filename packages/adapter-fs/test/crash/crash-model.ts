import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { createFsFromVolume, Volume } from 'memfs'
import type { FileSystem } from '../../src/index.ts'
import { creatingReadOnly } from '../read-only-files.ts'
import type { Effect } from './effects.ts'

type Entry = { readonly file: File } | { readonly folder: string }

interface File {
  bytes: Buffer
  /** The bytes that certainly survive a crash. `undefined` before the first sync. */
  synced: Buffer | undefined
}

/** A change of names, which survives completely or not at all. A rename between two folders changes both. */
interface Change {
  readonly names: readonly (readonly [path: string, entry: Entry | undefined])[]
  /** The folders of these names that have not been synced since the change. */
  readonly unsynced: Set<string>
}

/** The entries of each folder, by name. A renamed folder keeps its first path as its key. */
type Folders = Map<string, Map<string, Entry>>

/** The effect of a crash on bytes that were written and not synced. */
export type Fate = 'kept' | 'missing' | 'short' | 'zero'

const fates: readonly Fate[] = ['kept', 'missing', 'short', 'zero']

/** The loss of one crash: which changes of names survive, and what happens to bytes that were not synced. */
export interface Loss {
  /** Returns whether a pending change survives. Called for each pending change, in order. */
  readonly keeps: (change: number) => boolean
  readonly fate: Fate
}

/** A file system as a tree: folders by path, files by path with their bytes. */
export interface Tree {
  readonly folders: readonly string[]
  readonly files: ReadonlyMap<string, Buffer>
}

/**
 * The guarantees of POSIX after a crash, and no others. Bytes survive after a sync of their file, and names after a
 * sync of their folder. Each unsynced change may be lost independently, in any order. A clone is a new file: its bytes survive
 * only after its own sync, also if those of the original were synced.
 */
export class CrashModel {
  /** The names that certainly survive a crash. */
  readonly #synced: Folders = new Map()
  /** The changes that a crash may lose, oldest first. */
  #pending: Change[] = []
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    this.#synced.set(root, new Map())
  }

  apply(effect: Effect): void {
    switch (effect.kind) {
      case 'create':
        this.#change([[effect.path, { file: { bytes: Buffer.alloc(0), synced: undefined } }]])
        return
      case 'write': {
        const file = this.#file(effect.path)
        const end = effect.position + effect.bytes.byteLength
        const grown = Buffer.alloc(Math.max(file.bytes.byteLength, end))
        file.bytes.copy(grown)
        grown.set(effect.bytes, effect.position)
        file.bytes = grown
        return
      }
      case 'sync file': {
        const file = this.#file(effect.path)
        file.synced = Buffer.from(file.bytes)
        return
      }
      case 'sync folder':
        this.#sync(this.#folderAt(effect.path))
        return
      case 'mkdir':
        this.#synced.set(this.#keyOf(effect.path), new Map())
        this.#change([[effect.path, { folder: this.#keyOf(effect.path) }]])
        return
      case 'rmdir':
      case 'unlink':
        this.#change([[effect.path, undefined]])
        return
      case 'clone': {
        const bytes = Buffer.from(this.#file(effect.from).bytes)
        this.#change([[effect.to, { file: { bytes, synced: undefined } }]])
        return
      }
      case 'link':
        this.#change([[effect.to, { file: this.#file(effect.from) }]])
        return
      case 'rename':
        this.#change([
          [effect.from, undefined],
          [effect.to, this.#entry(effect.from)],
        ])
    }
  }

  /** The number of changes of names that a crash could lose now. */
  get pendingChanges(): number {
    return this.#pending.length
  }

  /** Returns the tree that remains after a crash with this loss. */
  afterCrash({ keeps, fate }: Loss): Tree {
    const folders: string[] = []
    const files = new Map<string, Buffer>()
    const surviving = this.#with((_, index) => keeps(index))
    const visit = (path: string, key: string): void => {
      folders.push(path)
      for (const [name, entry] of surviving.get(key) ?? []) {
        if ('folder' in entry) visit(join(path, name), entry.folder)
        else files.set(join(path, name), survivingBytes(entry.file, fate))
      }
    }
    visit(this.#root, this.#root)
    return { folders, files }
  }

  #change(changed: Change['names']): void {
    const names = changed.map(([path, entry]) => [this.#keyOf(path), entry] as const)
    this.#pending.push({ names, unsynced: new Set(names.map(([path]) => dirname(path))) })
  }

  /**
   * A change in two folders is durable after both have been synced. Earlier changes of its names are then durable, too.
   */
  #sync(folder: string): void {
    for (const change of this.#pending) change.unsynced.delete(folder)
    const durable = new Set<Change>()
    const paths = new Set<string>()
    for (const change of this.#pending.toReversed()) {
      const isDurable = change.unsynced.size === 0 || change.names.some(([path]) => paths.has(path))
      if (!isDurable) continue
      durable.add(change)
      for (const [path] of change.names) paths.add(path)
    }
    for (const change of this.#pending) if (durable.has(change)) applyTo(this.#synced, change)
    this.#pending = this.#pending.filter((change) => !durable.has(change))
  }

  #with(isKept: (change: Change, index: number) => boolean): Folders {
    const folders: Folders = new Map([...this.#synced].map(([path, names]) => [path, new Map(names)]))
    for (const [index, change] of this.#pending.entries()) if (isKept(change, index)) applyTo(folders, change)
    return folders
  }

  #file(path: string): File {
    const entry = this.#entry(path)
    if (!('file' in entry)) throw new Error(`The crash model has no file ${path}`)
    return entry.file
  }

  #entry(path: string): Entry {
    const entry = this.#with(() => true)
      .get(this.#folderAt(dirname(path)))
      ?.get(basename(path))
    if (entry === undefined) throw new Error(`The crash model has no ${path}`)
    return entry
  }

  /** Returns the key of the folder at a path. */
  #folderAt(path: string): string {
    if (path === this.#root) return path
    const entry = this.#entry(path)
    if (!('folder' in entry)) throw new Error(`The crash model has no folder ${path}`)
    return entry.folder
  }

  /** Returns a path by the key of its folder. */
  #keyOf(path: string): string {
    return join(this.#folderAt(dirname(path)), basename(path))
  }
}

function applyTo(folders: Folders, { names }: Change): void {
  for (const [path, entry] of names) {
    const folder = folders.get(dirname(path))
    if (folder === undefined) throw new Error(`The crash model has no folder ${dirname(path)}`)
    if (entry === undefined) folder.delete(basename(path))
    else folder.set(basename(path), entry)
  }
}

function survivingBytes({ bytes, synced }: File, fate: Fate): Buffer {
  if (synced?.equals(bytes) === true || fate === 'kept') return bytes
  if (fate === 'missing') return synced ?? Buffer.alloc(0)
  if (fate === 'short') return bytes.subarray(0, Math.floor(bytes.byteLength / 2))
  return Buffer.alloc(bytes.byteLength)
}

/**
 * Returns the possible losses of a crash at this moment: every subset of the pending changes, with each fate. If there
 * are more than `mostSubsets` subsets, draws `mostSubsets` of them at random.
 */
export function lossesOf({ pendingChanges }: CrashModel, seed: number, mostSubsets = 32): readonly Loss[] {
  const subsets = 2 ** pendingChanges
  const masks =
    subsets <= mostSubsets
      ? Array.from({ length: subsets }, (_, mask) => mask)
      : [
          0,
          subsets - 1,
          ...Array.from({ length: mostSubsets - 2 }, (_, draw) => scatter(seed * 131 + draw) % subsets),
        ]
  return masks.flatMap((mask) =>
    fates.map((fate) => ({ fate, keeps: (change: number) => Math.floor(mask / 2 ** change) % 2 === 1 })),
  )
}

/**
 * Returns possible losses of a crash at this moment if the newest changes are lost, and all older ones survive, each with every
 * fate. Loses none, one, two or all of the pending changes, and numbers in between that are drawn at random.
 */
export function lossesOfNewest({ pendingChanges }: CrashModel, seed: number, draws = 4): readonly Loss[] {
  const drawn = Array.from({ length: draws }, (_, draw) => scatter(seed * 131 + draw) % (pendingChanges + 1))
  const kept = new Set([pendingChanges, pendingChanges - 1, pendingChanges - 2, 0, ...drawn])
  return [...kept].flatMap((first) =>
    fates.map((fate) => ({ fate, keeps: (change: number) => change < first })),
  )
}

/** Returns losses of one change each, which are drawn at random, although all newer changes survive. */
export function lossesOfOne({ pendingChanges }: CrashModel, seed: number, draws = 8): readonly Loss[] {
  return Array.from({ length: draws }, (_, draw) => {
    const lost = scatter(seed * 131 + draw) % Math.max(1, pendingChanges)
    return { fate: 'kept', keeps: (change: number) => change !== lost }
  })
}

/** Yields each tree that a crash at this moment could leave, once. */
export function treesAfterCrash(model: CrashModel, seed: number, mostSubsets?: number): Generator<Tree> {
  return treesAfter(model, lossesOf(model, seed, mostSubsets))
}

/** Yields each tree that one of the losses leaves, once. */
export function* treesAfter(model: CrashModel, losses: readonly Loss[]): Generator<Tree> {
  const seen = new Set<string>()
  for (const loss of losses) {
    const tree = model.afterCrash(loss)
    const digest = createHash('sha256').update(JSON.stringify(tree.folders))
    for (const [path, bytes] of tree.files) digest.update(`${path} ${bytes.byteLength} `).update(bytes)
    const name = digest.digest('hex')
    if (seen.has(name)) continue
    seen.add(name)
    yield tree
  }
}

/** Returns a file system in memory that contains this tree. */
export function fileSystemOf(tree: Tree): FileSystem {
  return creatingReadOnly(createFsFromVolume(volumeOf(tree)).promises as unknown as FileSystem)
}

export function volumeOf({ folders, files }: Tree): Volume {
  const volume = new Volume()
  for (const folder of folders) volume.mkdirSync(folder, { recursive: true })
  for (const [path, bytes] of files) volume.writeFileSync(path, bytes)
  return volume
}

function scatter(number: number): number {
  return Math.imul(number ^ (number >>> 7), 0x9e3779b1) >>> 0
}
