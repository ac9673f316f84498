import type { FileHandle } from 'node:fs/promises'
import { failedWith } from './errors.ts'
import type { FileSystem } from './file-system.ts'

/**
 * Makes changes of names in folders durable. Callers that wait at the same time share one fsync (a group commit). An
 * fsync that began before a change may not include it. So callers that arrive during an fsync wait for the next one,
 * which they share.
 */
export class FolderSyncs {
  readonly #fileSystem: FileSystem
  readonly #platform: NodeJS.Platform
  /** The running fsync of each folder. */
  readonly #running = new Map<string, Promise<void>>()
  /** The next fsync of each folder, which begins when the running one ends. */
  readonly #next = new Map<string, Promise<void>>()
  readonly #closing = new Set<Promise<void>>()

  constructor(fileSystem: FileSystem, platform: NodeJS.Platform = process.platform) {
    this.#fileSystem = fileSystem
    this.#platform = platform
  }

  /** Resolves when an fsync of the folder that began after this call has succeeded. */
  sync(folder: string): Promise<void> {
    const next = this.#next.get(folder)
    if (next !== undefined) return next
    const running = this.#running.get(folder)
    return running === undefined ? this.#begin(folder) : this.#beginAfter(running, folder)
  }

  /** Resolves when all folders are closed. Rejects if a folder could not be closed. */
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
      // The system reports a lost write only once, and it may be a write of a waiting caller. A deleted folder has none.
      if (!failedWith(error, 'ENOENT')) throw error
    } finally {
      this.#next.delete(folder)
    }
    await this.#begin(folder)
  }

  async #syncFolder(folder: string): Promise<void> {
    if (this.#platform === 'win32') return // Windows cannot sync a folder
    const handle = await this.#fileSystem.open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      this.#close(handle)
    }
  }

  /**
   * Closes a folder in the background. Nothing was written through the handle, so its close does not affect durability.
   */
  #close(handle: FileHandle): void {
    const closing = handle.close()
    this.#closing.add(closing)
    closing.then(
      () => this.#closing.delete(closing),
      () => undefined, // `close` rejects with the error
    )
  }
}
