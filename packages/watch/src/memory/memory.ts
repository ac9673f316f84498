import type { Seal } from './seal.ts'

/** What is remembered of a checkpoint that was adopted. */
export interface Adopted {
  /** Its path below the watched folder. */
  readonly name: string
  readonly step: number
  /** The name of the layout that read it. */
  readonly layout: string
  /** Whether the step is the checkpoint's own, and not one that was counted on. */
  readonly isNumbered: boolean
  /** Of the names and bytes of its files. */
  readonly digest: string
  /** How its files looked; saves reading them again. */
  readonly fingerprint: string
  readonly seal?: Seal | undefined
}

/** Checkpoints that are no longer in the folder, and remembered all the same: a restore may bring them back. */
const maxGone = 1000

/** What was adopted from one folder into one store, also what the store has dropped since. */
export class Memory {
  /** In the order of adoption. */
  readonly #adopted = new Map<string, Adopted>()

  constructor(adopted: readonly Adopted[] = []) {
    for (const entry of adopted) this.add(entry)
  }

  get all(): readonly Adopted[] {
    return [...this.#adopted.values()]
  }

  get(name: string): Adopted | undefined {
    return this.#adopted.get(name)
  }

  /** The one that was adopted last. */
  get last(): Adopted | undefined {
    return this.all.at(-1)
  }

  /** Whether these bytes were adopted as this step under any name. */
  has(step: number, digest: string): boolean {
    return this.all.some((entry) => entry.step === step && entry.digest === digest)
  }

  add(entry: Adopted): void {
    this.#adopted.delete(entry.name)
    this.#adopted.set(entry.name, entry)
  }

  remove(name: string): void {
    this.#adopted.delete(name)
  }

  /** Forgets the oldest of those that are no longer there, beyond a limit. */
  prune(present: ReadonlySet<string>): void {
    const gone = [...this.#adopted.keys()].filter((name) => !present.has(name))
    for (const name of gone.slice(0, Math.max(0, gone.length - maxGone))) this.#adopted.delete(name)
  }
}
