import {
  type Catalog,
  type CatalogEntry,
  catalogVersionOf,
  decodeCatalog,
} from '../../../src/catalog/documents/index.ts'
import { latestOf } from '../../../src/order-key.ts'
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
  /** The owners of the mirror in their order. */
  readonly #owners: string[] = []
  /** Processes whose user lets them take the mirror from its owner, which they have not done yet. */
  readonly #mayForce = new Set<string>()
  /** What a report of a process showed. A listener of a store must not throw, so the next look does. */
  #violation: Error | undefined
  #looked = -1
  #listed: ReadonlyMap<number, string> = new Map()

  constructor(mirror: Disk) {
    this.#mirror = mirror
  }

  /** The number of operations that were reported as mirrored. */
  get reports(): number {
    return this.#mirrored.size
  }

  /** A process reports that the mirror has a step. Its disk may have another checkpoint of the step since. */
  hearMirrored(disk: Disk, step: number): void {
    const entry = newestCatalog(this.#mirror)?.checkpoints.find((each) => each.step === step)
    if (entry === undefined) {
      this.#note(`P14: step ${step} was reported as mirrored before it was`)
      return
    }
    this.#mirrored.add(operationOf(entry))
    const latest = latestOf(newestCatalog(disk)?.checkpoints ?? [])
    if (latest !== undefined && operationOf(latest) === operationOf(entry)) this.#compareLatest(disk)
  }

  /** Throws if a promise does not hold. Called after each step of the scheduler. */
  look(): void {
    if (this.#violation !== undefined) throw this.#violation
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

  /** The user lets a process take the mirror from its owner. */
  hearMayForce(process: string): void {
    this.#mayForce.add(process)
  }

  /** A process reports that the mirror is up to date. Another process may have saved since. */
  hearUpToDate(disk: Disk): void {
    if (newestCatalog(disk)?.mirror?.waiting.length === 0) this.#compareLatest(disk)
  }

  /**
   * P14: a restore from the mirror brings back the latest checkpoint of the disk, unless another store took the mirror over, or a clone of
   * the disk saved in the name of the same store.
   */
  #compareLatest(disk: Disk): void {
    const [ours, theirs] = [newestCatalog(disk), newestCatalog(this.#mirror)]
    const [here, there] = [latestOf(ours?.checkpoints ?? []), latestOf(theirs?.checkpoints ?? [])]
    const owner = theirs?.owner?.id
    if (owner === undefined || ours?.mirror?.owner !== owner || there?.origin?.store === owner) return
    if (here === undefined) return // the store has reported nothing
    const [saved, restored] = [operationOf(here), there === undefined ? 'nothing' : operationOf(there)]
    if (saved !== restored)
      this.#note(
        `P14: the mirror was reported to have ${saved}, and a restore from it brings back ${restored}`,
      )
  }

  #note(violation: string): void {
    this.#violation ??= new Error(violation)
  }

  /** P15: a store that lost the mirror never owns it again, unless the user lets a process take it, which does so once. */
  #followOwner({ owner }: Catalog): void {
    if (owner === null || this.#owners.at(-1) === owner.id) return
    const forced = [...this.#mayForce].find((process) => owner.name.includes(`(${process}, for `))
    if (this.#owners.includes(owner.id) && forced === undefined)
      throw new Error(`P15: ${owner.name} took the mirror back`)
    if (forced !== undefined) this.#mayForce.delete(forced)
    this.#owners.push(owner.id)
  }
}

export function newestCatalog(disk: Disk): Catalog | undefined {
  const key = disk.keys('catalog/').at(-1)
  const bytes = key === undefined ? undefined : disk.get(key)
  const version = key === undefined ? undefined : catalogVersionOf(key)
  if (bytes === undefined || version === undefined) return undefined
  const known = decoded.get(bytes)
  if (known?.version === version) return known
  const catalog = decodeCatalog(bytes, version)
  decoded.set(bytes, catalog)
  return catalog
}

/** The catalogs of bytes on a disk, which never change: a write and a flip store other bytes. */
const decoded = new WeakMap<Uint8Array, Catalog>()

export function operationOf({ tags }: Pick<CatalogEntry, 'tags'>): string {
  return tags[0] ?? ''
}
