import type { Seal } from './seal.ts'

/** The memory of one adopted checkpoint. */
export interface Adopted {
  /** The path below the watched folder. */
  readonly name: string
  readonly step: number
  /** The name of the layout that read it. */
  readonly layout: string
  /** Whether the step is the checkpoint's own number, and not a counted one. */
  readonly isNumbered: boolean
  /** The digest of the names and bytes of its files. */
  readonly digest: string
  /** The state of its files, which saves reading them again. */
  readonly fingerprint: string
  /** The modification time of its newest file in milliseconds. */
  readonly modifiedAt?: number | undefined
  readonly seal?: Seal | undefined
}

/** A checkpoint by its step and its bytes, under any name. */
export type AdoptedBytes = Pick<Adopted, 'step' | 'digest'>

/** The number of remembered checkpoints that no longer exist in the folder. A restore may bring them back. */
const maxGone = 1000

/** The checkpoints that were adopted from one folder into one store, including those that the store has dropped. */
export class Memory {
  /** The checkpoints in the order of adoption. */
  readonly #adopted = new Map<string, Adopted>()
  #last: AdoptedBytes | undefined

  constructor(adopted: readonly Adopted[] = []) {
    for (const entry of adopted) this.add(entry)
  }

  get all(): readonly Adopted[] {
    return [...this.#adopted.values()]
  }

  get(name: string): Adopted | undefined {
    return this.#adopted.get(name)
  }

  /** The checkpoint that was saved last, or from which the program continued since. */
  get last(): AdoptedBytes | undefined {
    return this.#last
  }

  /** Returns whether these bytes were adopted as this step, under any name. */
  has(step: number, digest: string): boolean {
    return this.all.some((entry) => entry.step === step && entry.digest === digest)
  }

  add(entry: Adopted): void {
    this.#adopted.delete(entry.name)
    this.#adopted.set(entry.name, entry)
  }

  /** Makes a checkpoint the last one. What the program writes from now on continues it. */
  continueFrom({ step, digest }: AdoptedBytes): void {
    this.#last = { step, digest }
  }

  remove(name: string): void {
    this.#adopted.delete(name)
  }

  /** Forgets the oldest checkpoints that no longer exist, beyond a limit, and the files of all that no longer exist. */
  prune(present: ReadonlySet<string>): void {
    const gone = [...this.#adopted.values()].filter(({ name }) => !present.has(name))
    const excess = Math.max(0, gone.length - maxGone)
    for (const { name } of gone.slice(0, excess)) this.#adopted.delete(name)
    for (const entry of gone.slice(excess))
      if (entry.seal !== undefined) this.#adopted.set(entry.name, { ...entry, seal: undefined })
  }
}
