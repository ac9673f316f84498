import type { HoldfastError, Restored } from '@holdfast/core'
import type { WatchEvent } from '../events.ts'
import type { Ending } from './endings.ts'

/** What a supervisor does, as it happens. */
export type RunEvent =
  | WatchEvent
  /** Whether the run continued in the mirror is still unknown. The program starts when the mirror has answered, or cannot be read. */
  | { readonly type: 'waitingForMirror'; readonly url: string }
  /** The store has no checkpoint, so the program finds what is in the folder. */
  | { readonly type: 'nothingToRestore' }
  /** The folder has the checkpoint to continue from. `isSaved`: the store has it, too. */
  | { readonly type: 'inPlace'; readonly step: number; readonly isSaved: boolean }
  | { readonly type: 'restored'; readonly restored: Restored; readonly duration: number }
  /** A checkpoint was moved out of the way. `to` is its new path. */
  | { readonly type: 'setAside'; readonly name: string; readonly to: string; readonly because: string }
  | { readonly type: 'started'; readonly pid: number }
  /** The program could not be recorded in the folder. If this run is killed before that, the next one does not find its program. */
  | { readonly type: 'notRecorded'; readonly pid: number; readonly error: HoldfastError }
  /** A signal was passed on to the program. */
  | { readonly type: 'forwarded'; readonly signal: NodeJS.Signals }
  /** This user may not signal the program, for example because it was started with `sudo`. */
  | { readonly type: 'notForwarded'; readonly signal: NodeJS.Signals }
  /** The program did not end in time after a stop was requested, and was killed. */
  | { readonly type: 'killed' }
  /** The program ended, and what it left is saved. `lasted` is in milliseconds. */
  | { readonly type: 'ended'; readonly ending: Ending; readonly lasted: number }
  /** The program is started again after `delay` milliseconds, from `step`. */
  | {
      readonly type: 'restarting'
      readonly restart: number
      readonly restarts: number
      readonly delay: number
      readonly step: number | undefined
    }
  /** The program failed after its last restart, and is not started again. */
  | { readonly type: 'gaveUp'; readonly restarts: number }
  /** The program of a supervisor that was killed still runs, and is ended. */
  | { readonly type: 'endingLeftover'; readonly pid: number }
  /** It cannot be ended, for example because it runs as another user. The run waits for its end. */
  | { readonly type: 'waitingForLeftover'; readonly pid: number }
  /** The store or the folder cannot be used for now. It is tried again after this number of milliseconds. */
  | { readonly type: 'notReady'; readonly error: HoldfastError; readonly retryIn: number }
