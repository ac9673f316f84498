import type { ObjectStat } from '../../backend/index.ts'
import {
  attemptOfKey,
  catalogVersionOf,
  isDocumentKey,
  isOwnFolder,
  pageOfKey,
  probePrefix,
  rankOfStart,
  reservePrefix,
  writerNoteOf,
} from '../../catalog/documents/index.ts'
import { isOfCopy } from '../agreements/copies.ts'

/** What a sweep may delete, and what it found beside that. */
export interface Dead {
  readonly keys: readonly string[]
  readonly bytes: number
  readonly attempts: ReadonlySet<string>
  readonly catalogVersions: number
  readonly catalogPages: number
  readonly foreign: readonly string[]
}

/** Maximum number of foreign keys in a report. */
const foreignNamed = 1000

/** Separates the dead objects of a store from the others, in the order of a list of the whole store. */
export class DeadKeys {
  /** The agreements of copies. The caller decides which of them are dead. */
  readonly ofCopies: string[] = []
  readonly #mayGo: (key: string) => boolean
  readonly #gracePeriod: number
  readonly #keys: string[] = []
  readonly #foreign: string[] = []
  readonly #attempts = new Set<string>()
  readonly #probes: ObjectStat[] = []
  #bytes = 0
  #catalogVersions = 0
  #catalogPages = 0
  /** The latest time of an object, by the clock of the store. */
  #storeTime = 0
  /** The start of a rank that was added last. */
  #start: { readonly rank: string; readonly object: ObjectStat } | undefined

  /** `mayGo` returns whether an object of an attempt, of the catalog or of an agreement is dead. */
  constructor(mayGo: (key: string) => boolean, gracePeriod: number) {
    this.#mayGo = mayGo
    this.#gracePeriod = gracePeriod
  }

  add(object: ObjectStat): void {
    const { key, modifiedAt } = object
    this.#storeTime = Math.max(this.#storeTime, modifiedAt.getTime())
    this.#addStart(object)
    switch (kindOf(key)) {
      case 'probe':
        this.#probes.push(object)
        return
      case 'foreign':
        if (this.#foreign.length < foreignNamed) this.#foreign.push(key)
        return
      case 'of a copy':
        this.ofCopies.push(key)
        return
      case 'ours':
        if (this.#mayGo(key)) this.#addDead(object)
    }
  }

  /** Returns whether a folder that cannot be read may be left out, because Holdfast did not create it. */
  mayOmit(folder: string): boolean {
    if (isOwnFolder(folder)) return false
    if (!this.#foreign.includes(folder)) this.#foreign.push(folder)
    return true
  }

  /** Returns what was found. `settled` are the dead agreements of copies. */
  finish(settled: readonly string[]): Dead {
    // A probe is short, so an old one was interrupted. Both times are those of the store.
    const oldest = this.#storeTime - this.#gracePeriod
    const probes = this.#probes.filter(({ modifiedAt }) => modifiedAt.getTime() < oldest)
    return {
      keys: [...this.#keys, ...probes.map(({ key }) => key), ...settled],
      bytes: this.#bytes,
      attempts: this.#attempts,
      catalogVersions: this.#catalogVersions,
      catalogPages: this.#catalogPages,
      foreign: this.#foreign,
    }
  }

  /** The newest start of a rank fences the older ones, so only that one must stay. */
  #addStart(object: ObjectStat): void {
    const rank = rankOfStart(object.key)
    if (rank === undefined) return
    const before = this.#start
    if (before?.rank === rank) {
      this.#keys.push(before.object.key)
      this.#bytes += before.object.size
    }
    this.#start = { rank, object }
  }

  #addDead({ key, size }: ObjectStat): void {
    this.#keys.push(key)
    this.#bytes += size
    const attempt = attemptOfKey(key)
    if (attempt !== undefined) this.#attempts.add(attempt)
    else if (pageOfKey(key) !== undefined) this.#catalogPages += 1
    else if (catalogVersionOf(key) !== undefined) this.#catalogVersions += 1
  }
}

function kindOf(key: string): 'probe' | 'foreign' | 'of a copy' | 'ours' {
  if (key.startsWith(probePrefix)) return 'probe'
  if (!isOurs(key)) return 'foreign'
  return isOfCopy(key) ? 'of a copy' : 'ours'
}

function isOurs(key: string): boolean {
  if (isDocumentKey(key) || key.startsWith(reservePrefix)) return true
  return attemptOfKey(key) !== undefined || writerNoteOf(key) !== undefined
}
