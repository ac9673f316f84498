import {
  CheckpointStore,
  type Environment,
  HoldfastError,
  isHoldfastError,
  systemEnvironment,
} from '../../../src/index.ts'
import type { SimulatedBackend } from '../backend.ts'
import type { Random } from '../random.ts'
import type { Scheduler } from '../scheduler.ts'
import { bytesOf, type Content, idsOf, type JobOracle } from './oracle.ts'

/** Milliseconds. */
const timeouts = { joinTimeout: 40_000, saveTimeout: 40_000 }

/** What the processes of one start of the job do together. */
export interface Plan {
  /** The step to which they go back before they restore. */
  readonly rewindTo?: number | undefined
  readonly maxTries?: number | undefined
  /** How often a process prunes after a save. */
  readonly prune?: number | undefined
  readonly keepLast?: number | undefined
}

/** One process of a rank, which restores, and then saves a few steps. */
export class RankProcess {
  readonly name: string
  readonly #rank: number
  readonly #store: CheckpointStore
  readonly #oracle: JobOracle
  readonly #plan: Plan
  readonly #random: Random
  /** The looks of the oracle when the process last ended a pause, and so began a poll. */
  #wokenAt = 0

  constructor(
    name: string,
    place: { readonly rank: number; readonly size: number },
    backend: SimulatedBackend,
    scheduler: Scheduler,
    random: Random,
    oracle: JobOracle,
    plan: Plan = {},
  ) {
    this.#plan = plan
    this.#random = random
    this.name = name
    this.#rank = place.rank
    this.#oracle = oracle
    const ranks = { ...place, ...timeouts }
    const retention = { keepLast: plan.keepLast }
    const environment = environmentOf(name, scheduler, random)
    const pause: Environment['pause'] = async (milliseconds, signal) => {
      await environment.pause(milliseconds, signal)
      this.#wokenAt = oracle.looks
    }
    this.#store = new CheckpointStore(backend, { ranks, retention }, { ...environment, pause })
  }

  /** Runs the program. Ends with the first error, or restores again after it. */
  async run(restores: number, saves: number): Promise<void> {
    for (let each = 0; each < restores; each += 1) {
      try {
        const { rewindTo } = this.#plan
        if (rewindTo !== undefined && each === 0) await this.#store.rewind(rewindTo)
        await this.once(saves)
        break
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error
      }
    }
    await this.#close()
  }

  /** Restores, and saves this number of steps. Returns the step that was restored; 0 if there was none. */
  async once(saves: number): Promise<number> {
    const files = [`rank-${this.#rank}.bin`]
    const restored = await this.#store.restore('latest', {
      to: '/simulated',
      files,
      fallback: true,
      maxTries: this.#plan.maxTries,
    })
    const before = restored?.restored.map(({ path }) => JSON.parse(path) as Content)[0]
    let lineage = before?.lineage ?? ''
    let step = restored?.step ?? 0
    const passedOver = restored?.passedOver.map((each) => each.step) ?? []
    this.#oracle.hearRestored(this.name, lineage, passedOver)
    for (let each = 0; each < saves; each += 1) {
      step += 1
      lineage = `${lineage}>${step}`
      const content = { process: this.name, rank: this.#rank, lineage }
      await this.#save(step, content)
      this.#oracle.hearSaved(step, content)
      if (this.#random.chance(this.#plan.prune ?? 0)) await this.#store.prune()
    }
    return restored?.step ?? 0
  }

  /** A save that failed for a reason that may pass is repeated. */
  async #save(step: number, content: Content): Promise<void> {
    const files = { [`rank-${this.#rank}.bin`]: bytesOf(content) }
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#store.save({ step, files, onExisting: 'replace' })
        return
      } catch (error) {
        if (isHoldfastError(error, 'INCOMPLETE'))
          this.#oracle.hearIncomplete(this.name, this.#rank, this.#wokenAt, error.message)
        if (tries >= 2 || !isHoldfastError(error, 'UNAVAILABLE', 'INCOMPLETE', 'OUTCOME_UNKNOWN')) throw error
      }
    }
  }

  async #close(): Promise<void> {
    try {
      await this.#store.close()
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
    }
  }
}

function environmentOf(process: string, scheduler: Scheduler, random: Random): Environment {
  const skew = (random.next() - 0.5) * 86_400_000
  return {
    ...systemEnvironment,
    now: () => new Date(scheduler.time + skew),
    random: () => random.next(),
    newId: idsOf(process),
    newToken: () => random.hex(16),
    tidyEvery: random.of([3, 8, systemEnvironment.tidyEvery]),
    pause: (milliseconds) => scheduler.turn(process, 'pauses', milliseconds),
    deliver: async (_, deliveries, { beforeExchange, onMissing }) => {
      onMissing?.(new Set(deliveries.keys()))
      const contents: string[] = []
      for (const { open } of deliveries) {
        const stream = await open(new AbortController().signal, 1)
        contents.push(Buffer.concat(await Array.fromAsync(stream)).toString())
      }
      await beforeExchange?.()
      return { paths: contents, others: undefined }
    },
  }
}
