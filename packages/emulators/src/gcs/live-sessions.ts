import type { ObjectFiles } from '../objects/object-files.ts'
import type { Session } from './model.ts'
import { RunningHashes } from './hashes.ts'

/** The state of resumable uploads that exists only in this process, not on disk. */
export class LiveSessions {
  readonly #files: ObjectFiles
  readonly #turns = new Map<string, Promise<undefined>>()
  readonly #hashes = new Map<string, { readonly hashes: RunningHashes; readonly size: number }>()

  constructor(files: ObjectFiles) {
    this.#files = files
  }

  /** Runs the requests on one upload one after another. */
  async inTurn<T>(id: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(id)
    const turn = Promise.withResolvers<undefined>()
    this.#turns.set(id, turn.promise)
    try {
      await before
      return await run()
    } finally {
      turn.resolve(undefined)
      if (this.#turns.get(id) === turn.promise) this.#turns.delete(id)
    }
  }

  /**
   * Returns the running hashes of the persisted bytes. If an earlier process persisted them, they are computed
   * again.
   */
  async takeHashes({ id, pieces, size }: Session): Promise<RunningHashes> {
    const kept = this.#hashes.get(id)
    this.#hashes.delete(id)
    if (kept?.size === size) return kept.hashes
    const hashes = new RunningHashes()
    for await (const chunk of this.#files.read(pieces, 0, size) as AsyncIterable<Uint8Array>)
      hashes.update(chunk)
    return hashes
  }

  keepHashes({ id, size }: Session, hashes: RunningHashes): void {
    this.#hashes.set(id, { hashes, size })
  }
}
