import type { WatchEvent } from '../events.ts'

/** Reports events to the caller. Reports an unchanged state only once. */
export class Announcements {
  readonly #listener: ((event: WatchEvent) => void) | undefined
  readonly #last = new Map<string, string>()

  constructor(listener: ((event: WatchEvent) => void) | undefined) {
    this.#listener = listener
  }

  announce(event: WatchEvent): void {
    if ('name' in event) this.#last.delete(event.name)
    this.#listener?.(event)
  }

  /** Skips an event that equals the last one about the same checkpoint. */
  announceOnce(event: WatchEvent): void {
    const about = 'name' in event ? event.name : event.type
    const text = JSON.stringify(event)
    if (this.#last.get(about) === text) return
    this.#last.set(about, text)
    this.#listener?.(event)
  }
}
