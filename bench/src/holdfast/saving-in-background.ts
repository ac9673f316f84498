import { type BackgroundSave, type CheckpointStore, openStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, randomBytes, sha256Of } from '../harness/bytes.ts'

/** Saves the same bytes in the background, each time into a new store. */
export class SavingInBackground {
  readonly #bench: Bench
  readonly #name: string
  readonly #bytes: Uint8Array
  #store: CheckpointStore | undefined
  #save: BackgroundSave | undefined

  constructor(bench: Bench, name: string, bytes: Uint8Array) {
    this.#bench = bench
    this.#name = name
    this.#bytes = bytes
  }

  async prepare(): Promise<void> {
    await this.close()
    this.#store = await openStore(await this.#bench.fresh(this.#name), { mode: 'shared' })
    await this.#store.save({ step: 0, files: { 'first.bin': randomBytes(16) } })
  }

  async begin(): Promise<void> {
    this.#save = await this.#store?.saveInBackground({ step: 1, files: { 'model.bin': this.#bytes } })
  }

  async ended(): Promise<void> {
    await this.#save?.done
  }

  async verify(): Promise<void> {
    const result = await this.#save?.done
    assertEqual(result?.files[0]?.sha256, sha256Of(this.#bytes), 'The digest of the saved bytes')
  }

  async close(): Promise<void> {
    await this.#store?.close()
    this.#store = undefined
  }
}
