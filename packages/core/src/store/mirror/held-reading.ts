import type { MirrorReading } from '../restore/result.ts'
import type { MirrorState } from './choose-side.ts'

/** What `bringBack` has read of the mirror. The caller owns it, so the store keeps no catalog of the mirror. */
export class HeldReading implements MirrorReading {
  readonly url: string
  readonly #state: MirrorState

  constructor(url: string, state: MirrorState) {
    this.url = url
    this.#state = state
  }

  /** Returns the state that a caller passes back to the store; `undefined` if it passes none. */
  static stateOf(reading: MirrorReading | undefined): MirrorState | undefined {
    return reading instanceof HeldReading ? reading.#state : undefined
  }
}
