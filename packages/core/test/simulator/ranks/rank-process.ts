import { CheckpointStore, HoldfastError, isHoldfastError } from '../../../src/index.ts'
import type { RanksOptions } from '../../../src/store/ranks/options.ts'
import type { SimulatedBackend } from '../backend.ts'
import type { Random } from '../random.ts'
import type { Scheduler } from '../scheduler.ts'
import { bytesOf, type Content } from './content.ts'
import { Machine } from './machine.ts'
import type { JobOracle } from './oracle.ts'
import type { Plan } from './plan.ts'

/** Milliseconds. */
export interface Timeouts {
  readonly joinTimeout: number
  readonly saveTimeout: number
}

/** The job as its processes know it. */
export interface SimulatedJob {
  readonly size: number
  readonly withoutFiles: ReadonlySet<number>
  readonly scheduler: Scheduler
  readonly random: Random
  readonly oracle: JobOracle
  /** Returns the disk as a process sees it. */
  readonly open: (process: string) => SimulatedBackend
  readonly timeouts: Timeouts
}

/** A process with its store. */
interface Opened {
  readonly store: CheckpointStore
  /** The looks of the oracle when the process last ended a pause, and so began a poll. */
  readonly wokenAt: number
}

const memberFile = 'member'

/** The beginning of the name of a command that runs after its program has died. */
export const staleCommand = 'stale:'

/** One start of a rank, which restores, and then saves a few steps by itself or by commands. */
export class RankProcess {
  readonly name: string
  readonly #rank: number
  readonly #job: SimulatedJob
  readonly #plan: Plan
  readonly #machine: Machine
  readonly #own: Opened
  #commands = 0

  constructor(name: string, rank: number, job: SimulatedJob, plan: Plan = {}) {
    this.name = name
    this.#rank = rank
    this.#job = job
    this.#plan = plan
    this.#machine = new Machine(name, job.scheduler, job.random)
    job.oracle.hearStarted(name, plan.keepLast)
    const place = { rank, size: job.size }
    this.#own = this.#opened(name, plan.savesByCommands === true ? { ...place, memberFile } : place)
  }

  /** Runs the program. Ends with the first error, or restores again after it. */
  async run(restores: number, saves: number): Promise<void> {
    const { rewindTo } = this.#plan
    for (let each = 0; each < restores; each += 1) {
      try {
        if (rewindTo !== undefined && each === 0) {
          await this.#own.store.rewind(rewindTo)
          this.#job.oracle.hearRewound(this.name, rewindTo)
        }
        await this.once(saves)
        break
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error
      }
    }
    await closed(this.#own.store)
  }

  /** Restores, and saves this number of steps. Returns the step that was restored; 0 if there was none. */
  async once(saves: number): Promise<number> {
    const restored = await this.#own.store.restore('latest', {
      to: '/simulated',
      files: [nameOf(this.#hasFile ? this.#rank : 0)],
      fallback: true,
      maxTries: this.#plan.maxTries,
    })
    const before = restored?.restored.map(({ path }) => JSON.parse(path) as Content)[0]
    const from = restored?.step ?? 0
    const passedOver = restored?.passedOver.map((each) => each.step) ?? []
    const lineage = before?.lineage ?? ''
    this.#job.oracle.hearRestored(this.name, { step: from, lineage, passedOver })
    await this.#train(from, lineage, saves)
    return from
  }

  /** Saves by the member file after the program has died, on another view of the disk. Returns whether it succeeded. */
  async saveAfterwards(step: number, open: SimulatedJob['open']): Promise<boolean> {
    const opened = this.#opened(`${staleCommand}${this.name}`, { memberFile }, open)
    const content = this.#contentOf(`stale>${step}`)
    this.#job.oracle.hearSaving(this.name, step)
    try {
      await this.#save(opened, step, content)
      this.#hearSaved(step, content)
      return true
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
      return false
    }
  }

  get #hasFile(): boolean {
    return !this.#job.withoutFiles.has(this.#rank)
  }

  async #train(from: number, restored: string, saves: number): Promise<void> {
    const { savesAtOnce = false, repeat = 0 } = this.#plan
    let lineage = restored
    const running: Promise<void>[] = []
    for (let step = from + 1; step <= from + saves; step += 1) {
      lineage = `${lineage}>${step}`
      const content = this.#contentOf(lineage)
      const saving = this.#saveAndTell(step, content)
      running.push(saving)
      if (savesAtOnce) continue
      await saving
      if (this.#job.random.chance(repeat)) await this.#repeat(step, content)
    }
    await Promise.allSettled(running)
    await Promise.all(running)
  }

  /** Saves a step again, with the same bytes or with others. Others are refused if the step has been saved. */
  async #repeat(step: number, content: Content): Promise<void> {
    if (this.#job.random.chance(0.5)) return this.#saveAndTell(step, content)
    try {
      await this.#saveAndTell(step, { ...content, variant: 2 })
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
    }
  }

  async #saveAndTell(step: number, content: Content): Promise<void> {
    this.#job.oracle.hearSaving(this.name, step)
    const work = async (opened: Opened): Promise<void> => {
      if (this.#job.random.chance(this.#plan.prune ?? 0)) await opened.store.prune()
      await this.#save(opened, step, content)
      this.#hearSaved(step, content)
    }
    await (this.#plan.savesByCommands === true ? this.#asCommand(work) : work(this.#own))
  }

  /** A save that failed for a reason that may pass is repeated. */
  async #save(opened: Opened, step: number, content: Content): Promise<void> {
    const { onExisting = 'replace', savesAtOnce = false } = this.#plan
    const files = this.#hasFile ? { [nameOf(this.#rank)]: bytesOf(content) } : {}
    for (let tries = 0; ; tries += 1) {
      try {
        await opened.store.save({ step, files, onExisting })
        return
      } catch (error) {
        this.#job.oracle.hearFailed(this.name, step)
        // The pauses of two saves at once cannot be told apart.
        if (isHoldfastError(error, 'INCOMPLETE') && !savesAtOnce)
          this.#job.oracle.hearIncomplete(this.name, this.#rank, opened.wokenAt, error.message)
        if (tries >= 2 || !isHoldfastError(error, 'UNAVAILABLE', 'INCOMPLETE', 'OUTCOME_UNKNOWN')) throw error
      }
    }
  }

  #hearSaved(step: number, content: Content): void {
    this.#job.oracle.hearSaved(this.name, step, this.#hasFile ? content : undefined)
  }

  /** Does some work in a process of its own. If that dies, another one repeats it. */
  async #asCommand(work: (opened: Opened) => Promise<void>): Promise<void> {
    for (;;) {
      this.#commands += 1
      const process = `${this.name}.${this.#commands}`
      const opened = this.#opened(process, { memberFile })
      const run = async (): Promise<'done'> => {
        try {
          await work(opened)
        } finally {
          await closed(opened.store)
        }
        return 'done'
      }
      const death = this.#job.scheduler.deathOf(process).then(() => 'died' as const)
      if ((await Promise.race([run(), death])) === 'done') return
    }
  }

  #contentOf(lineage: string): Content {
    return { process: this.name, rank: this.#rank, lineage, variant: 1 }
  }

  #opened(process: string, ranks: RanksOptions, open = this.#job.open): Opened {
    const { oracle, timeouts } = this.#job
    const retention = { keepLast: this.#plan.keepLast }
    let wokenAt = 0
    const environment = this.#machine.of(process, () => {
      wokenAt = oracle.looks
    })
    const store = new CheckpointStore(
      open(process),
      { ranks: { ...ranks, ...timeouts }, retention },
      environment,
    )
    return {
      store,
      get wokenAt() {
        return wokenAt
      },
    }
  }
}

function nameOf(rank: number): string {
  return `rank-${rank}.bin`
}

async function closed(store: CheckpointStore): Promise<void> {
  try {
    await store.close()
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
  }
}
