/** The time since which each checkpoint has been unchanged, by a clock in milliseconds that never goes back. */
export class Settling {
  readonly #since = new Map<string, { readonly fingerprint: string; readonly at: number }>()

  /** Records the current state of a checkpoint. Returns how long it has been unchanged. */
  quietFor(name: string, fingerprint: string, now: number): number {
    const known = this.#since.get(name)
    if (known?.fingerprint === fingerprint) return now - known.at
    this.#since.set(name, { fingerprint, at: now })
    return 0
  }

  /** Forgets checkpoints that no longer exist, so that a new one with the same name starts again. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#since.keys()) if (!names.has(name)) this.#since.delete(name)
  }
}
