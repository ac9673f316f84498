import {
  type Catalog,
  type CatalogEntry,
  catalogVersionOf,
  decodeCatalog,
  decodeMarker,
  markerKey,
  type Owner,
} from '../../../src/catalog/documents/index.ts'
import type { Disk } from '../disk.ts'

/**
 * Checks the promises of mirrors against the contents of the disks. It knows the format of the catalog, but not how a mirror
 * works. The tag of a checkpoint names the operation that saved it.
 */
export class MirrorOracle {
  readonly #mirror: Disk
  /** Operations whose checkpoints were reported as mirrored. */
  readonly #mirrored = new Set<string>()
  /** Operations that a version of the mirror listed once. */
  readonly #listedOnce = new Set<string>()
  /** By operation: the operation that replaced it at its step of the mirror. */
  readonly #replaced = new Map<string, string>()
  readonly #stepsOnce = new Set<number>()
  /** By disk: the operations whose saves it acknowledged, by step. */
  readonly #saved = new Map<Disk, Map<number, string>>()
  /** The stores that ever owned the mirror. */
  readonly #ownersOnce = new Set<string>()
  /** By process: the store for which it has begun a run. A run that has not ended keeps the mirror. */
  readonly #running = new Map<string, string>()
  #owner: Owner | undefined
  #returns = 0
  #looked = -1
  #listed: ReadonlyMap<number, string> = new Map()

  constructor(mirror: Disk) {
    this.#mirror = mirror
  }

  /** The number of operations that were reported as mirrored. */
  get reports(): number {
    return this.#mirrored.size
  }

  /** How often a store took the mirror back. */
  get returns(): number {
    return this.#returns
  }

  /** A process may have begun a run with one of these ids. The run of an earlier process of the same store counts as ended. */
  hearBegun(process: string, disk: Disk, ids: ReadonlySet<string>): void {
    const id = idOf(disk)
    const owner = newestCatalog(this.#mirror)?.owner
    if (id === undefined || owner?.id !== id || !ids.has(owner.run?.id ?? '')) return
    for (const [other, store] of this.#running) if (store === id) this.#running.delete(other)
    this.#running.set(process, id)
  }

  /** A process is about to end its run. */
  hearEnding(process: string): void {
    this.#running.delete(process)
  }

  /** A process reports that the mirror has a step. Its disk may have another checkpoint of the step since. */
  hearMirrored(step: number): void {
    const entry = newestCatalog(this.#mirror)?.checkpoints.find((each) => each.step === step)
    if (entry === undefined) throw new Error(`P14: step ${step} was reported as mirrored before it was`)
    this.#mirrored.add(operationOf(entry))
  }

  /** Throws if a promise does not hold. Called after each step of the scheduler. */
  look(): void {
    if (this.#looked === this.#mirror.changes) return
    this.#looked = this.#mirror.changes
    const catalog = newestCatalog(this.#mirror)
    if (catalog === undefined) return
    this.#followOwner(catalog)
    const listed = new Map(catalog.checkpoints.map((entry) => [entry.step, operationOf(entry)]))
    for (const [step, operation] of this.#listed) {
      const now = listed.get(step)
      if (now === undefined) throw new Error(`P14: the mirror lost step ${step}, ${operation}`)
      if (now !== operation) this.#replaced.set(operation, now)
    }
    for (const [step, operation] of listed) {
      this.#listedOnce.add(operation)
      this.#stepsOnce.add(step)
    }
    this.#listed = listed
  }

  /** Everything that was reported as mirrored is there, or was replaced by a later checkpoint of its step. */
  judge(): void {
    this.judgeDisks()
    const there = new Set(this.#listed.values())
    for (const operation of this.#mirrored) {
      if (!there.has(operation) && !this.#replaced.has(operation))
        throw new Error(`P14: ${operation} was reported as mirrored, and the mirror does not have it`)
    }
  }

  /** A save of a step was acknowledged by a disk. It replaced what the disk had at the step. */
  hearSaved(disk: Disk, step: number, operation: string): void {
    const saved = this.#saved.get(disk) ?? new Map<number, string>()
    this.#saved.set(disk, saved.set(step, operation))
  }

  /** A save of a step may have replaced what a disk had. */
  hearDoubt(disk: Disk, step: number): void {
    this.#saved.get(disk)?.delete(step)
  }

  /** A disk has everything that it acknowledged and that the mirror never had, whatever the retention. */
  judgeDisks(): void {
    for (const [disk, saved] of this.#saved) {
      const listed = new Set((newestCatalog(disk)?.checkpoints ?? []).map((entry) => entry.step))
      for (const [step, operation] of saved) {
        // Another process may have replaced it. The mirror does not take what is older than its own checkpoint of the step.
        if (listed.has(step) || this.#listedOnce.has(operation) || this.#stepsOnce.has(step)) continue
        throw new Error(`P14: ${operation} of step ${step} was dropped before the mirror had it`)
      }
    }
  }

  /** P15: a store that lost the mirror owns it again only if the run of the present owner has ended. */
  #followOwner({ owner }: Catalog): void {
    const before = this.#owner
    if (owner === null) return
    this.#owner = owner
    if (before?.id === owner.id || !this.#ownersOnce.has(owner.id)) {
      this.#ownersOnce.add(owner.id)
      return
    }
    this.#returns += 1
    const isRunning = before !== undefined && [...this.#running.values()].includes(before.id)
    if (before?.run?.ended === undefined || isRunning)
      throw new Error(`P15: ${owner.name} took the mirror back from ${before?.name}, whose run has not ended`)
  }
}

function idOf(disk: Disk): string | undefined {
  const bytes = disk.get(markerKey)
  return bytes === undefined ? undefined : decodeMarker(bytes).id
}

export function newestCatalog(disk: Disk): Catalog | undefined {
  const key = disk.keys('catalog/').at(-1)
  const bytes = key === undefined ? undefined : disk.get(key)
  const version = key === undefined ? undefined : catalogVersionOf(key)
  return bytes === undefined || version === undefined ? undefined : decodeCatalog(bytes, version)
}

export function operationOf({ tags }: Pick<CatalogEntry, 'tags'>): string {
  return tags[0] ?? ''
}
