import { type ExitCode, exitCodes } from './exit-codes.ts'

/**
 * Turns SIGINT (Ctrl-C) and SIGTERM into an AbortSignal, so that the command can clean up. A second signal ends the
 * process at once, and a sweep deletes its leftovers.
 */
export class Interruption {
  readonly #controller = new AbortController()
  #exitCode: ExitCode = exitCodes.interrupted

  constructor() {
    process.on('SIGINT', this.#onInterrupt)
    process.on('SIGTERM', this.#onTerminate)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Exit code for the signal that was received. */
  get exitCode(): ExitCode {
    return this.#exitCode
  }

  close(): void {
    process.off('SIGINT', this.#onInterrupt)
    process.off('SIGTERM', this.#onTerminate)
  }

  readonly #onInterrupt = (): void => {
    this.#stop(exitCodes.interrupted)
  }

  readonly #onTerminate = (): void => {
    this.#stop(exitCodes.terminated)
  }

  #stop(code: ExitCode): void {
    if (this.#controller.signal.aborted) process.exit(code)
    this.#exitCode = code
    this.#controller.abort(new Error(code === exitCodes.interrupted ? 'interrupted' : 'terminated'))
  }
}
