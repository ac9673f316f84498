import type { AttemptId, CatalogEntry, Manifest, ManifestFile } from '../../catalog/documents/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context/context.ts'
import { verifiedManifest } from './read-verified.ts'

/** Finds the checkpoints that share bytes of the files of one checkpoint on a disk. Reads each manifest once. */
export class SharingSteps {
  readonly #context: Pick<StoreContext, 'backend'>
  readonly #attempt: AttemptId
  readonly #others: readonly CatalogEntry[]
  readonly #signal: AbortSignal | undefined
  /** The attempts that wrote the files of another checkpoint, by the names of the files. */
  readonly #writersIn = new Map<AttemptId, Promise<ReadonlyMap<string, AttemptId>>>()

  /** `others` are the checkpoints that may share bytes with the one of the manifest. */
  constructor(
    context: Pick<StoreContext, 'backend'>,
    { attempt }: Manifest,
    others: readonly CatalogEntry[],
    signal: AbortSignal | undefined,
  ) {
    this.#context = context
    this.#attempt = attempt
    this.#others = others.filter((each) => each.attempt !== attempt)
    this.#signal = signal
  }

  /** Returns the steps whose checkpoints share the bytes of a file, in the order of the others. */
  async of({ name, sharedWith = this.#attempt }: ManifestFile): Promise<readonly number[]> {
    const steps: number[] = []
    for (const other of this.#others) {
      const mayShare =
        other.attempt === sharedWith || other.shared?.some((each) => each.attempt === sharedWith) === true
      if (mayShare && (await this.#writersOf(other)).get(name) === sharedWith) steps.push(other.step)
    }
    return steps
  }

  #writersOf(other: CatalogEntry): Promise<ReadonlyMap<string, AttemptId>> {
    const known = this.#writersIn.get(other.attempt)
    if (known !== undefined) return known
    const read = this.#readWriters(other)
    this.#writersIn.set(other.attempt, read)
    return read
  }

  async #readWriters(other: CatalogEntry): Promise<ReadonlyMap<string, AttemptId>> {
    try {
      const { files } = await verifiedManifest(this.#context.backend, other, this.#signal)
      return new Map(files.map(({ name, sharedWith = other.attempt }) => [name, sharedWith]))
    } catch (error) {
      // Another damaged checkpoint is reported by itself.
      if (!isHoldfastError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
      return new Map()
    }
  }
}

/** Returns a sentence about shared bytes, to follow the description of a fault. Empty if they are not shared. */
export function sharedText(steps: readonly number[]): string {
  if (steps.length === 0) return ''
  const names = steps.map((step) => `step ${step}`)
  const list =
    names.length === 1 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
  return `. Its bytes on the disk are shared with ${list}`
}
