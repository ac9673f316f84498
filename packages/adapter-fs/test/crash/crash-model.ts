import { basename, dirname, join } from 'node:path'
import type { Effect } from './effects.ts'

type Entry = { readonly file: File } | { readonly folder: string }

interface File {
  bytes: Buffer
  /** The bytes that survive a crash for sure; `undefined` before the first sync. */
  synced: Buffer | undefined
}

/** A change to the names in a folder: all of it survives, or none. */
type Change = readonly (readonly [name: string, entry: Entry | undefined])[]

interface Folder {
  readonly synced: Map<string, Entry>
  /** Made since the folder was last synced, in their order. */
  pending: Change[]
}

/** What a crash does to bytes that were written and not synced. */
export type Fate = 'kept' | 'missing' | 'short' | 'zero'

const fates: readonly Fate[] = ['kept', 'missing', 'short', 'zero']

/** Subsets of the pending changes that are all tried; where there are more, so many are drawn. */
const mostSubsets = 32

/** What one crash loses: which changes of names survive, and what becomes of bytes that were not synced. */
export interface Loss {
  /** Asked for each pending change, in order. */
  readonly keeps: (change: number) => boolean
  readonly fate: Fate
}

/** A file system as a tree: folders by path, files by path with their bytes. */
export interface Tree {
  readonly folders: readonly string[]
  readonly files: ReadonlyMap<string, Buffer>
}

/**
 * What POSIX promises of a file system across a crash, and no more: bytes survive once their file is synced, names
 * once their folder is; before that each may be lost by itself, whatever the order in which they were made.
 */
export class CrashModel {
  readonly #folders = new Map<string, Folder>()
  readonly #root: string

  constructor(root: string) {
    this.#root = root
    this.#folders.set(root, { synced: new Map(), pending: [] })
  }

  apply(effect: Effect): void {
    switch (effect.kind) {
      case 'create':
        this.#change(dirname(effect.path), [
          [basename(effect.path), { file: { bytes: Buffer.alloc(0), synced: undefined } }],
        ])
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
      case 'sync folder': {
        const folder = this.#folder(effect.path)
        for (const change of folder.pending) applyTo(folder.synced, change)
        folder.pending = []
        return
      }
      case 'mkdir':
        this.#folders.set(effect.path, { synced: new Map(), pending: [] })
        this.#change(dirname(effect.path), [[basename(effect.path), { folder: effect.path }]])
        return
      case 'rmdir':
      case 'unlink':
        this.#change(dirname(effect.path), [[basename(effect.path), undefined]])
        return
      case 'link':
        this.#change(dirname(effect.to), [[basename(effect.to), { file: this.#file(effect.from) }]])
        return
      case 'rename':
        this.#change(dirname(effect.to), [
          [basename(effect.from), undefined],
          [basename(effect.to), { file: this.#file(effect.from) }],
        ])
    }
  }

  /** Changes of names that a crash now could lose. */
  get pendingChanges(): number {
    return [...this.#folders.values()].reduce((sum, { pending }) => sum + pending.length, 0)
  }

  /** What is there after a crash with this loss. */
  afterCrash({ keeps, fate }: Loss): Tree {
    const folders: string[] = []
    const files = new Map<string, Buffer>()
    const surviving = new Map<string, Map<string, Entry>>()
    let change = 0
    for (const [path, { synced, pending }] of this.#folders) {
      const names = new Map(synced)
      for (const each of pending) {
        if (keeps(change)) applyTo(names, each)
        change += 1
      }
      surviving.set(path, names)
    }
    const visit = (path: string): void => {
      folders.push(path)
      for (const [name, entry] of surviving.get(path) ?? []) {
        if ('folder' in entry) visit(entry.folder)
        else files.set(join(path, name), survivingBytes(entry.file, fate))
      }
    }
    visit(this.#root)
    return { folders, files }
  }

  #change(path: string, change: Change): void {
    this.#folder(path).pending.push(change)
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path)
    if (folder === undefined) throw new Error(`The crash model has no folder ${path}`)
    return folder
  }

  #file(path: string): File {
    const { synced, pending } = this.#folder(dirname(path))
    const names = new Map(synced)
    for (const change of pending) applyTo(names, change)
    const entry = names.get(basename(path))
    if (entry === undefined || !('file' in entry)) throw new Error(`The crash model has no file ${path}`)
    return entry.file
  }
}

function applyTo(names: Map<string, Entry>, change: Change): void {
  for (const [name, entry] of change) {
    if (entry === undefined) names.delete(name)
    else names.set(name, entry)
  }
}

function survivingBytes({ bytes, synced }: File, fate: Fate): Buffer {
  if (synced?.equals(bytes) === true || fate === 'kept') return bytes
  if (fate === 'missing') return synced ?? Buffer.alloc(0)
  if (fate === 'short') return bytes.subarray(0, Math.floor(bytes.byteLength / 2))
  return Buffer.alloc(bytes.byteLength)
}

/** What a crash now could lose: every subset of the pending changes, or where they are many some, with each fate. */
export function lossesOf({ pendingChanges }: CrashModel, seed: number): readonly Loss[] {
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

function scatter(number: number): number {
  return Math.imul(number ^ (number >>> 7), 0x9e3779b1) >>> 0
}
