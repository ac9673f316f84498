import {
  decideOnSignal,
  type Finishing,
  type HandledSignal,
  handledSignals,
  type StopState,
} from './decide-on-signal.ts'
import type { ReleaseWarnings } from './early-signals.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'

/** Milliseconds. Schedulers usually send SIGKILL 30 seconds after SIGTERM. */
export const defaultGrace = 25_000

/** How a command ends in order. */
interface Grace extends Finishing {
  /** At most `longestTimer`. */
  readonly milliseconds: number
  /** Called when the grace begins. */
  readonly onFinish: () => void
  /** Called when the grace is over, before the command is stopped. */
  readonly onOver?: (() => void) | undefined
}

/**
 * Turns the signals of this process into an AbortSignal, so that the command can clean up. A command may also go on for a
 * while after some of them. SIGUSR1 and SIGUSR2 have no effect.
 */
export class Interruption {
  readonly #controller = new AbortController()
  readonly #listeners: ((signal: HandledSignal) => void)[] = []
  #stop: StopState = { state: 'running' }
  #grace: Grace | undefined
  #timer: NodeJS.Timeout | undefined
  #exitCode: ExitCode = exitCodes.interrupted
  /** Called before a signal ends the process whose work is committed. */
  #onCommittedExit: (() => void) | undefined

  /** Receives signals from now on. The signals that were held back come first. */
  constructor(releaseWarnings: ReleaseWarnings = () => []) {
    for (const signal of handledSignals) process.on(signal, this.#receive)
    for (const signal of releaseWarnings()) this.#receive(signal)
  }

  /** Fires when the command must stop. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Exit code for the first signal that asked the command to end. */
  get exitCode(): ExitCode {
    return this.#exitCode
  }

  /** Whether a signal has asked the command to end, at once or within its grace. */
  get isAsked(): boolean {
    return this.#stop.state !== 'running'
  }

  /** Lets the command go on for a while after some signals. */
  finishWithin(grace: Grace): void {
    this.#grace = grace
  }

  /** Marks the work as committed. From then on a signal ends the process with exit code 0, after it called `onExit`. */
  commit(onExit: () => void = () => undefined): void {
    this.#onCommittedExit = onExit
  }

  /** Calls the listener with every signal. */
  onSignal(listener: (signal: HandledSignal) => void): void {
    this.#listeners.push(listener)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const signal of handledSignals) process.off(signal, this.#receive)
  }

  readonly #receive = (signal: HandledSignal): void => {
    const now = performance.now()
    const decision = decideOnSignal(signal, this.#stop, this.#grace, now)
    if (this.#stop.state === 'running' && (decision === 'finish' || decision === 'abort'))
      this.#exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated
    if (decision === 'exit') this.#exit()
    if (decision === 'finish') this.#finish(signal, now)
    if (decision === 'abort') this.#abort(signal, now)
    for (const listener of this.#listeners) listener(signal)
  }

  #finish(signal: HandledSignal, at: number): void {
    this.#stop = { state: 'finishing', signal, at }
    this.#grace?.onFinish()
    this.#timer = setTimeout(() => {
      this.#grace?.onOver?.()
      this.#abort(signal, performance.now())
    }, this.#grace?.milliseconds)
  }

  #abort(signal: HandledSignal, at: number): void {
    clearTimeout(this.#timer)
    this.#stop = { state: 'aborting', signal, at }
    if (this.#onCommittedExit !== undefined) this.#exit()
    const reason = this.#exitCode === exitCodes.interrupted ? 'interrupted' : 'terminated'
    this.#controller.abort(new Error(reason))
  }

  #exit(): never {
    this.#onCommittedExit?.()
    process.exit(this.#onCommittedExit === undefined ? this.#exitCode : exitCodes.done)
  }
}
