import type { CheckpointStore } from '@holdfast/core'
import type { Layout } from '../layouts/index.ts'
import { MemoryFile } from '../memory/memory-file.ts'
import type { Memory } from '../memory/memory.ts'
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
    const present = new Set(found.inspections.map(({ candidate }) => candidate.name))
    this.#seen.keepOnly(present)
    memory.prune(present)
    return found
  }

  /** Records that a checkpoint is in the store. */
  async remember(
    { candidate, snapshot, reading }: WholeCheckpoint,
    { step, digest }: { readonly step: number; readonly digest: string },
  ): Promise<void> {
    const adopted = {
      name: candidate.name,
      step,
      layout: this.#layout?.name ?? 'auto',
      isNumbered: reading.step !== undefined,
      digest,
      fingerprint: snapshot.fingerprint,
      seal: sealOf(snapshot, reading.marker),
    }
    const memory = await this.memory()
    memory.add(adopted)
    const isKept = await this.#memoryFile.add(adopted, this.#signal)
    if (!isKept) this.#announcements.announceOnce({ type: 'forgetful', folder: this.path })
  }

  /** Notes that a checkpoint is no longer in the folder. */
  async forget(name: string): Promise<void> {
    const memory = await this.memory()
    if (memory.get(name) === undefined) return
    memory.remove(name)
    await this.#memoryFile.forget(name, this.#signal)
  }

  #choose(layout: Layout): void {
    this.#layout = layout
    this.#announcements.announce({ type: 'layout', layout: layout.name, title: layout.title })
  }
}
