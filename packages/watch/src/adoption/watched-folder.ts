import type { CheckpointStore } from '@holdfast/core'
import type { Layout } from '../layouts/index.ts'
import { type Line, MemoryFile } from '../memory/memory-file.ts'
import type { Adopted, AdoptedBytes, Memory } from '../memory/memory.ts'
import { sealOf } from '../memory/seal.ts'
import { chosenLayout, type AdoptionOptions } from '../options.ts'
import type { Announcements } from './announcements.ts'
import { detect, isSure, survey, type Survey } from './detect.ts'
import { SeenSeals, type WholeCheckpoint } from './inspect.ts'

/** A folder with its layout, once known, and the checkpoints that were adopted from it. */
export class WatchedFolder {
  readonly path: string
  readonly #announcements: Announcements
  readonly #memoryFile: MemoryFile
  readonly #signal: AbortSignal | undefined
  readonly #seen = new SeenSeals()
  #memory: Memory | undefined
  #layout: Layout | undefined

  constructor(
    store: CheckpointStore,
    path: string,
    { layout, signal }: Pick<AdoptionOptions, 'layout' | 'signal'>,
    announcements: Announcements,
  ) {
    this.path = path
    this.#announcements = announcements
    this.#signal = signal
    this.#memoryFile = new MemoryFile(store, path)
    const chosen = chosenLayout(layout)
    if (chosen !== undefined) this.#choose(chosen)
  }

  /** The name of the layout, once one is chosen or recognised. */
  get layout(): string | undefined {
    return this.#layout?.name
  }

  async memory(): Promise<Memory> {
    this.#memory ??= await this.#memoryFile.read(this.#signal)
    return this.#memory
  }

  /** Returns the contents of the folder; `undefined` if no layout recognises them. */
  async survey(): Promise<Survey | undefined> {
    const memory = await this.memory()
    const found =
      this.#layout === undefined
        ? await detect(this.path, memory, this.#seen)
        : await survey(this.path, this.#layout, memory, this.#seen)
    if (found === undefined) return undefined
    if (this.#layout === undefined && isSure(found)) this.#choose(found.layout)
    const present = new Set(
      [...found.inspections, ...found.unreadable].map(({ candidate }) => candidate.name),
    )
    this.#seen.keepOnly(present)
    if (this.#layout !== undefined) memory.prune(present)
    await this.#memoryFile.tidy(memory, this.#signal)
    return found
  }

  /**
   * Records that a checkpoint was just saved, or that the store has or had it. The program continues from it, unless its bytes
   * were known before: then its files were only touched, linked or copied.
   */
  async remember(whole: WholeCheckpoint, bytes: AdoptedBytes, why: 'saved' | 'known'): Promise<void> {
    const { step, digest } = bytes
    const memory = await this.memory()
    const isContinued = why === 'saved' || !memory.has(step, digest)
    const adopted = this.#adoptedFrom(whole, bytes)
    memory.add(adopted)
    if (isContinued) memory.continueFrom(bytes)
    await this.#record(isContinued ? [adopted, { continued: { step, digest } }] : [adopted])
  }

  /** Records that what the program writes from now on continues a checkpoint of the store. */
  async continueFrom({ step, digest }: AdoptedBytes): Promise<void> {
    const memory = await this.memory()
    if (memory.last?.step === step && memory.last.digest === digest) return
    memory.continueFrom({ step, digest })
    await this.#record([{ continued: { step, digest } }])
  }

  /** Notes that a checkpoint is no longer in the folder. */
  async forget(name: string): Promise<void> {
    const memory = await this.memory()
    if (memory.get(name) === undefined) return
    memory.remove(name)
    await this.#record([{ forgotten: name }])
  }

  #adoptedFrom({ candidate, snapshot, reading }: WholeCheckpoint, { step, digest }: AdoptedBytes): Adopted {
    return {
      name: candidate.name,
      step,
      layout: this.#layout?.name ?? 'auto',
      isNumbered: reading.step !== undefined,
      digest,
      fingerprint: snapshot.fingerprint,
      modifiedAt: snapshot.modifiedAt,
      seal: sealOf(snapshot, reading.marker),
    }
  }

  async #record(lines: readonly Line[]): Promise<void> {
    const error = await this.#memoryFile.add(lines, this.#signal)
    if (error === undefined) return
    this.#announcements.announceOnce({ type: 'forgetful', folder: this.path, reason: error.reason })
  }

  #choose(layout: Layout): void {
    this.#layout = layout
    this.#announcements.announce({ type: 'layout', layout: layout.name, title: layout.title })
  }
}
