import type { Random } from './random.ts'

interface Parked {
  readonly process: string
  readonly what: string
  readonly notBefore: number
  readonly goOn: () => void
}

/**
 * Simulated time, and the only place that decides which process continues. Every call of a process to the outside waits
 * here. When all processes wait, the seed chooses one. A dead process is never chosen again. A process `a.1` is a command
 * that the process `a` runs, and dies with it.
 */
export class Scheduler {
  readonly trace: string[] = []
  readonly #random: Random
  readonly #dead = new Set<string>()
  readonly #onDeath = new Map<string, () => void>()
  #parked: Parked[] = []
  #time = Date.parse('2026-01-01T00:00:00Z')

  constructor(random: Random) {
    this.#random = random
  }

  /** The time in milliseconds. */
  get time(): number {
    return this.#time
  }

  /** Resolves when it is this process's turn. Never resolves after the process has died. */
  async turn(process: string, what: string, delay = 0): Promise<void> {
    await new Promise<void>((goOn) => {
      if (!this.#isDead(process)) this.#parked.push({ process, what, notBefore: this.#time + delay, goOn })
    })
  }

  /** Resolves when a command dies. Never resolves if the process that runs it dies. */
  async deathOf(command: string): Promise<void> {
    await new Promise<void>((resolve) => this.#onDeath.set(command, resolve))
  }

  kill(process: string): void {
    this.trace.push(`${process} dies`)
    this.#dead.add(process)
    this.#parked = this.#parked.filter((each) => !this.#isDead(each.process))
    this.#onDeath.get(process)?.()
  }

  /** Lets one process continue until all wait again. Returns `false` if none is waiting. */
  async step(): Promise<boolean> {
    if (this.#parked.length === 0) await quiet()
    if (this.#parked.length === 0) return false
    const earliest = Math.min(...this.#parked.map(({ notBefore }) => notBefore))
    this.#time = Math.max(this.#time, earliest)
    const candidates = this.#parked.filter(({ notBefore }) => notBefore <= this.#time)
    const chosen = candidates[this.#random.below(candidates.length)]
    if (chosen === undefined) return false
    this.#time += this.#random.below(20)
    this.#parked = this.#parked.filter((each) => each !== chosen)
    this.trace.push(`${chosen.process} ${chosen.what}`)
    chosen.goOn()
    await quiet()
    return true
  }

  #isDead(process: string): boolean {
    const [parent = process] = process.split('.')
    return this.#dead.has(process) || this.#dead.has(parent)
  }
}

/** Resolves when every promise that can settle by itself has settled. */
async function quiet(): Promise<void> {
  await new Promise<void>((resolve) => {
    waiting.push(resolve)
    queueImmediates()
  })
}

/** Node.js polls the system after each batch of immediates, which takes longer than many turns. */
const immediatesPerBatch = 100

const waiting: (() => void)[] = []
let queued = 0

/** Node.js settles all promises between two immediates, so each immediate ends one wait. */
function queueImmediates(): void {
  if (queued > 0 || waiting.length === 0) return
  for (; queued < immediatesPerBatch; queued += 1) {
    setImmediate(() => {
      queued -= 1
      waiting.shift()?.()
      queueImmediates()
    })
  }
}
