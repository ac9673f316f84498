/** How long a checkpoint must not change, in milliseconds. */
export interface QuietPeriods {
  /** If the format or the trainer shows the end of the write. */
  readonly signalled: number
  /** If nothing does. */
  readonly unsignalled: number
}

/** Since when each checkpoint is as it is. Time is a number of milliseconds that never goes back. */
export class Settling {
  readonly #since = new Map<string, { readonly fingerprint: string; readonly at: number }>()

  /** Notes how a checkpoint looks now. Returns how long it has looked so. */
  quietFor(name: string, fingerprint: string, now: number): number {
    const known = this.#since.get(name)
    if (known?.fingerprint === fingerprint) return now - known.at
    this.#since.set(name, { fingerprint, at: now })
    return 0
  }

  /** Forgets the checkpoints that are gone, so that one of the same name begins anew. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name)
  }
}
