import type { AttemptId, Manifest } from '../../catalog/documents/index.ts'

/** A save to a disk compares its files with those of as many of the latest checkpoints. */
export const mostCompared = 8

/** The manifests with which the saves of a process compared their files last. They are not read again. */
export class RecentManifests {
  readonly #known = new Map<AttemptId, Manifest>()
  readonly #most: number

  /** `most` manifests are remembered. Those of large checkpoints take megabytes. */
  constructor(most: number) {
    this.#most = most
  }

  get(attempt: AttemptId): Manifest | undefined {
    return this.#known.get(attempt)
  }

  add(manifest: Manifest): void {
    this.#known.delete(manifest.attempt)
    this.#known.set(manifest.attempt, manifest)
    for (const attempt of [...this.#known.keys()].slice(0, -this.#most)) this.#known.delete(attempt)
  }
}
