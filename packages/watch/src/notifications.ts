import { type FSWatcher, watch } from 'node:fs'

/** The largest number of folders to watch, because the system limits it. */
const maxFolders = 64

/**
 * Ends a wait early if something changes in the watched folders. Scans find every change without it, so a missing or
 * repeated notification costs at most one polling interval. Network file systems send none. So `fs.watch` is
 * sufficient.
 */
export class Notifications implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>()
  #wake = new AbortController()

  /** Fires with the next change after this signal was requested. */
  get next(): AbortSignal {
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
    return this.#wake.signal
  }

  /** Watches these folders, and stops watching all others. */
  follow(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, maxFolders))
    for (const [folder, watcher] of this.#watchers) {
      if (wanted.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#add(folder)
  }

  [Symbol.dispose](): void {
    this.follow([])
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        this.#wake.abort()
      })
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(folder)
      })
      this.#watchers.set(folder, watcher)
    } catch {
      // The folder is missing or cannot be watched. Polling finds its changes.
    }
  }
}
