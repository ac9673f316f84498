import { type FSWatcher, watch } from 'node:fs'

/** The system limits how many folders may be watched. */
const maxFolders = 64

/**
 * Wakes a wait early when something changes in the watched folders. A hint and no more: scans find changes by themselves, so
 * a notification that is missed, doubled, or never sent (network file systems) costs one interval of polling and nothing else.
 * That is why `fs.watch` suffices.
 */
export class Notifications implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>()
  #wake = new AbortController()

  /** Fires with the next change after it was taken. */
  get next(): AbortSignal {
    if (this.#wake.signal.aborted) this.#wake = new AbortController()
    return this.#wake.signal
  }

  /** Watches these folders, and no others. */
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
      // No folder, or no way to watch it: polling finds what changes.
    }
  }
}
