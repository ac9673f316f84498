import type { CheckpointBackend } from '../../backend/index.ts'
import { readMarker } from './read-marker.ts'

/** Reads the marker of a store once, to refuse a store that this version cannot read. */
export class SupportedMarker {
  readonly #backend: CheckpointBackend
  #isSupported = false

  constructor(backend: CheckpointBackend) {
    this.#backend = backend
  }

  /** Rejects with `UNSUPPORTED` if a newer version of Holdfast wrote the marker in a way that this one cannot read. */
  async refuseNewer(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isSupported) return
    await readMarker(this.#backend, signal)
    this.#isSupported = true
  }
}
