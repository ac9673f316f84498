import { type ExitCode, exitCodes } from './exit-codes.ts'

/**
 * Turns Ctrl-C and termination into an AbortSignal, so that the command can clean up behind itself. A second
 * one ends the process at once; what it leaves is found by a sweep.
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

  /** The exit code for the signal that came. */
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
