import { decideOnSignal, type HandledSignal, handledSignals, type StopRequest } from './decide-on-signal.ts'
import type { Program } from './program.ts'

/** Where the signals come from that a supervisor receives. */
export interface SignalSource {
  /** Calls `listener` with each signal, until it is disposed of. */
  listen(listener: (signal: HandledSignal) => void): Disposable
}

/** The signals of this process. While one listens, they have none of their usual effects. */
export const processSignals: SignalSource = {
  listen: (listener) => {
    for (const signal of handledSignals) process.on(signal, listener)
    return {
      [Symbol.dispose]: () => {
        for (const signal of handledSignals) process.off(signal, listener)
      },
    }
  },
}

/** The program has this part of the grace to end, and the rest is for saving what it leaves. */
const programShare = 0.6

export interface StopListener {
  readonly onForwarded: (signal: HandledSignal) => void
  readonly onNotForwarded: (signal: NodeJS.Signals) => void
  readonly onKilled: () => void
}

/** Passes signals on to the program, and turns a signal that requests a stop into deadlines. */
export class StopRequests implements Disposable {
  readonly #source: Disposable
  readonly #grace: number
  readonly #listener: StopListener
  readonly #stopping = new AbortController()
  readonly #aborting = new AbortController()
  readonly #timers: NodeJS.Timeout[] = []
  #forwarded = new Set<NodeJS.Signals>()
  #request: StopRequest | undefined
  #program: Program | undefined

  /** `grace` is in milliseconds. */
  constructor(source: SignalSource, grace: number, listener: StopListener) {
    this.#grace = grace
    this.#listener = listener
    this.#source = source.listen((signal) => {
      this.#receive(signal)
    })
  }

  /** Fires when a stop is requested. */
  get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  /** Fires when nothing may be waited for any more. */
  get aborting(): AbortSignal {
    return this.#aborting.signal
  }

  /** The signal that requested a stop first. */
  get stopSignal(): HandledSignal | undefined {
    return this.#request?.signal
  }

  isStopping(): boolean {
    return this.#request !== undefined
  }

  /** Signals that the program of this start received. */
  get forwarded(): ReadonlySet<NodeJS.Signals> {
    return this.#forwarded
  }

  /** Milliseconds that the program's group has left to end; `usual` if no stop was requested. */
  timeLeft(usual: number): number {
    if (this.#request === undefined) return usual
    return Math.max(0, this.#request.at + this.#grace * programShare - performance.now())
  }

  /** Passes signals on to this program. A stop that was requested before reaches it at once. */
  attach(program: Program): void {
    this.#program = program
    this.#forwarded = new Set()
    if (this.#request !== undefined) this.#forward(this.#request.signal)
  }

  detach(): void {
    this.#program = undefined
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]()
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #receive(signal: HandledSignal): void {
    const now = performance.now()
    switch (decideOnSignal(signal, this.#request, now)) {
      case 'ignore':
        return
      case 'forward':
        this.#forward(signal)
        return
      case 'stop':
        this.#request = { signal, at: now }
        this.#stopping.abort()
        this.#forward(signal)
        this.#after(this.#grace * programShare, () => {
          this.#kill()
        })
        this.#after(this.#grace, () => {
          this.#aborting.abort()
        })
        return
      case 'abort':
        this.#kill()
        this.#aborting.abort()
    }
  }

  #forward(signal: HandledSignal): void {
    if (this.#program === undefined) return
    if (this.#program.forward(signal)) {
      this.#forwarded.add(signal)
      this.#listener.onForwarded(signal)
    } else {
      this.#reportNotForwarded(this.#program, signal)
    }
  }

  #kill(): void {
    if (this.#program === undefined) return
    if (this.#program.kill()) this.#listener.onKilled()
    else this.#reportNotForwarded(this.#program, 'SIGKILL')
  }

  /**
   * A program that has just ended cannot be signalled either. Node.js reports its end where it looks for events again,
   * which is between the two calls.
   */
  #reportNotForwarded(program: Program, signal: NodeJS.Signals): void {
    setImmediate(() => {
      setImmediate(() => {
        if (!program.hasEnded) this.#listener.onNotForwarded(signal)
      })
    })
  }

  #after(milliseconds: number, act: () => void): void {
    this.#timers.push(setTimeout(act, milliseconds))
  }
}
