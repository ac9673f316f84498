import type { AttemptId, Manifest } from '../catalog/documents/index.ts'

/** As many checkpoints as may share one physical copy of a file. */
const mostRemembered = 8

/** The manifests with which the saves of a process compared their files last. They are not read again. */
export class RecentManifests {
  readonly #known = new Map<AttemptId, Manifest>()

  get(attempt: AttemptId): Manifest | undefined {
    return this.#known.get(attempt)
  }

  add(manifest: Manifest): void {
    this.#known.delete(manifest.attempt)
    this.#known.set(manifest.attempt, manifest)
    for (const attempt of [...this.#known.keys()].slice(0, -mostRemembered)) this.#known.delete(attempt)
  }
}
