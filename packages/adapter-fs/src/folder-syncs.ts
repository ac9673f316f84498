import type { FileHandle } from 'node:fs/promises'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/**
 * Makes what happened to the names in folders durable, with one fsync for all who wait at the same time (a group
 * commit). An fsync that began before a name was changed may not hold it, so whoever asks while one goes on is not
 * answered by that: they wait for the next, which all of them share.
 */
export class FolderSyncs {
  readonly #fileSystem: FileSystem
  /** The fsync that goes on, by folder. */
  readonly #running = new Map<string, Promise<void>>()
  /** The one that begins when that has ended. */
  readonly #next = new Map<string, Promise<void>>()
  readonly #closing = new Set<Promise<void>>()

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  /** Resolves when an fsync of the folder that began after this call has succeeded. */
  sync(folder: string): Promise<void> {
    const next = this.#next.get(folder)
    if (next !== undefined) return next
    const running = this.#running.get(folder)
    return running === undefined ? this.#begin(folder) : this.#beginAfter(running, folder)
  }

  /** Resolves when no folder is open any more. Rejects where one could not be closed. */
  async close(): Promise<void> {
    await Promise.all(this.#closing)
  }

  #begin(folder: string): Promise<void> {
    const running = this.#syncFolder(folder).finally(() => {
      this.#running.delete(folder)
    })
    this.#running.set(folder, running)
    return running
  }

  #beginAfter(running: Promise<void>, folder: string): Promise<void> {
    const next = this.#follow(running, folder)
    this.#next.set(folder, next)
    return next
  }

  async #follow(running: Promise<void>, folder: string): Promise<void> {
    try {
      await running
    } catch (error) {
      // A system tells of a write that was lost once: it may have been theirs. A folder that was gone held none.
      if (!failedWith(error, 'ENOENT')) throw error
    } finally {
      this.#next.delete(folder)
    }
    await this.#begin(folder)
  }

  async #syncFolder(folder: string): Promise<void> {
    if (process.platform === 'win32') return // Windows has no way to sync a folder
    const handle = await this.#fileSystem.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      this.#close(handle)
    }
  }

  /** Not waited for: nothing was written through the handle, so that its close tells nothing of what lasts. */
  #close(handle: FileHandle): void {
    const closing = handle.close()
    this.#closing.add(closing)
    closing.then(
      () => this.#closing.delete(closing),
      () => undefined, // thrown by `close`
    )
  }
}
