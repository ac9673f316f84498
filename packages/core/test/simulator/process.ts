import {
  CheckpointStore,
  type DeleteOptions,
  HoldfastError,
  type RetentionOptions,
  type SaveRequest,
  systemEnvironment,
  type Environment,
} from '../../src/index.ts'
import { type WriterMode } from '../../src/catalog/commit/rules/index.ts'
import type { SimulatedBackend } from './backend.ts'
import { operationOf, type Oracle } from './oracle.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

const operations = [
  'save',
  'save',
  'save',
  'save',
  'replace',
  'delete',
  'undo',
  'pin',
  'unpin',
  'restore',
  'read',
  'list',
  'sweep',
  'two saves',
  'save further back',
  'attach',
  'prune',
  'repair',
  'rewind',
] as const

/** The retention of some processes. The others keep all. The oracle knows that the lowest loss is the best. */
export const objectives = { loss: { metric: 'loss', direction: 'min' } } as const

const retentions: readonly [RetentionOptions<'loss'>, ...RetentionOptions<'loss'>[]] = [
  {},
  { keepLast: 1 },
  { keepLast: 2, keepBest: { loss: 2 } },
  { keepEvery: { steps: 3 }, keepLast: 1 },
  { maxCount: 2 },
  { keepLast: 1, grace: 3000 },
]

/** A deletion is final, can be undone for a short time, or until the end, whatever clock a process has. */
const undoable: readonly [DeleteOptions, ...DeleteOptions[]] = [
  { undoFor: 0 },
  { undoFor: 2000 },
  { undoFor: '20 d' },
]

/** A simulated process with its own store and clock, and a seeded sequence of operations. */
export class Process {
  readonly name: string
  readonly #store: CheckpointStore
  readonly #oracle: Oracle
  readonly #random: Random
  readonly #scheduler: Scheduler
  readonly #linksFiles: boolean
  readonly #abortsSaves: boolean
  #operations = 0

  constructor(
    name: string,
    mode: WriterMode,
    backend: SimulatedBackend,
    scheduler: Scheduler,
    random: Random,
    oracle: Oracle,
    gracePeriod: number,
  ) {
    this.name = name
    this.#oracle = oracle
    this.#random = random
    this.#scheduler = scheduler
    // So that a schedule without write-ahead does the same as before.
    this.#abortsSaves = backend.capabilities.writesAhead === true && name !== 'last'
    const environment = simulatedEnvironment(name, scheduler, random)
    this.#linksFiles = random.chance(0.5)
    const takeOver = mode === 'shared' && random.chance(0.3)
    // The last process must be able to write, and a job gives way to other owners.
    const job =
      mode === 'exclusive' && name !== 'last' && random.chance(0.4) ? random.of(['a', 'b']) : undefined
    this.#store = new CheckpointStore(
      backend,
      {
        mode,
        takeOver,
        job,
        gracePeriod,
        writerName: name,
        // If each object needs a request, the small files are stored in the manifest.
        packs:
          backend.capabilities.requestPerObject === true ? 'auto' : random.chance(0.4) ? 'always' : 'never',
        unchanged: this.#linksFiles ? 'link' : 'auto',
        background: { limit: 2 },
        objectives,
        retention: random.chance(0.5) ? {} : random.of(retentions),
      },
      environment,
    )
  }

  /** Performs this number of operations, and closes the store. Never resolves if the process dies. */
  async run(count: number): Promise<void> {
    for (let each = 0; each < count; each += 1) await this.#expectTypedError(() => this.#operate())
    await this.#expectTypedError(() => this.#store.close())
  }

  async #operate(): Promise<void> {
    const kind = this.#random.of(operations)
    const listed = this.#oracle.truth?.checkpoints ?? []
    const any = listed[this.#random.below(Math.max(1, listed.length))]?.step
    const next = (listed.at(-1)?.step ?? 0) + 1 + this.#random.below(2)
    if (any === undefined || kind === 'save') await this.#save(next, 'fail')
    else if (kind === 'two saves') await Promise.all([this.#save(next, 'fail'), this.#save(next + 1, 'fail')])
    else if (kind === 'save further back') await this.#save(Math.max(0, any - 1), 'fail')
    else if (kind === 'attach') await this.#store.attach(any, { loss: this.#random.below(10) })
    else if (kind === 'repair') await this.#store.repair()
    else if (kind === 'prune') await this.#store.prune()
    else if (kind === 'rewind') await this.#store.rewind(any)
    else if (kind === 'replace') await this.#save(any, 'replace')
    else if (kind === 'delete') await this.#store.delete([any], this.#random.of(undoable))
    else if (kind === 'undo') await this.#undo()
    else if (kind === 'pin' || kind === 'unpin') await this.#store[kind](any)
    else if (kind === 'restore') await this.#restore()
    else if (kind === 'read') await this.#read(any)
    else if (kind === 'list') await this.#store.list()
    else await this.#store.sweep()
  }

  async #save(step: number, onExisting: 'fail' | 'replace'): Promise<void> {
    this.#operations += 1
    const operation = `${this.name}.${this.#operations}`
    const request: SaveRequest = {
      step,
      onExisting,
      tags: [operation],
      ...(this.#abortsSaves && this.#random.chance(0.2) ? { signal: this.#soonAborted() } : {}),
      ...(this.#random.chance(0.8) ? { metrics: { loss: this.#someLoss() } } : {}),
      files: {
        'model.bin': contentOf(operation, 'model.bin'),
        'log/a.txt': contentOf(operation, 'log/a.txt'),
        ...(this.#linksFiles ? { [frozen]: contentOf(operation, frozen) } : {}),
      },
    }
    this.#oracle.hearBegin(operation)
    try {
      if (this.#random.chance(0.3)) await (await this.#store.saveInBackground(request)).done
      else await this.#store.save(request)
      this.#oracle.hear(operation, 'acknowledged')
    } catch (error) {
      const unknown = error instanceof HoldfastError && error.code === 'OUTCOME_UNKNOWN'
      this.#oracle.hear(operation, unknown ? 'unknown' : 'refused')
      throw error
    }
  }

  /** A signal that fires before, during or after the save. */
  #soonAborted(): AbortSignal {
    const controller = new AbortController()
    void this.#scheduler.turn(this.name, 'aborts a save', this.#random.below(500)).then(() => {
      controller.abort()
    })
    return controller.signal
  }

  /** What can be undone has all its files, unless bytes or a version of the catalog were damaged. */
  async #undo(): Promise<void> {
    try {
      await this.#store.undo()
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'CORRUPT' && !this.#oracle.isAnythingDamaged)
        throw new Error(`P6: ${error.message}`, { cause: error })
      throw error
    }
  }

  #someLoss(): number {
    return this.#random.chance(0.1) ? Number.NaN : this.#random.below(10)
  }

  /** Delivered bytes must equal the saved bytes. A checkpoint may be reported as corrupt only if it was damaged. */
  async #restore(): Promise<void> {
    const restored = await this.#store.restore('latest', {
      to: '/simulated',
      fallback: this.#random.chance(0.7),
    })
    if (restored === undefined) return
    for (const { name, path } of restored.restored) same(path, contentOf(operationOf(restored), name))
    for (const { step } of restored.passedOver) {
      if (!this.#oracle.isDamaged(step))
        throw new Error(`P4: step ${step} was found corrupt, and nobody touched its bytes`)
    }
  }

  async #read(step: number): Promise<void> {
    const { body } = await this.#store.read(step, 'model.bin')
    const bytes = Buffer.concat(await Array.fromAsync(body)).toString()
    const operation = bytes.split(' ', 1)[0] ?? ''
    same(bytes, contentOf(operation, 'model.bin').toString())
  }

  async #expectTypedError(act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      const typed = error instanceof HoldfastError
      const severalTyped =
        error instanceof AggregateError && error.errors.every((each) => each instanceof HoldfastError)
      if (!typed && !severalTyped) throw error
    }
    this.#oracle.judge()
  }

  /** The store, for questions of the simulator at the end. */
  get store(): CheckpointStore {
    return this.#store
  }

  async saveOnce(step: number): Promise<void> {
    await this.#save(step, 'fail')
  }

  /** A checkpoint may have problems only if its bytes were damaged. */
  mayHave(step: number, problems: readonly string[]): void {
    if (problems.length > 0 && !this.#oracle.isDamaged(step)) {
      throw new Error(`P1: step ${step} is not what was saved: ${problems.join('; ')}`)
    }
  }
}

/** A file that never changes, so that checkpoints may share it. */
export const frozen = 'frozen.bin'

export function contentOf(operation: string, file: string): Buffer {
  if (file === frozen) return Buffer.alloc(500, file)
  return Buffer.from(`${operation} ${file} `.repeat(20))
}

function same(found: string, expected: string | Uint8Array): void {
  if (found !== Buffer.from(expected).toString())
    throw new Error(`P3: ${found.slice(0, 40)} was returned as good`)
}

/** In some processes a page is full after a few lines. Others use the limits of the product. */
const pageLimits: readonly [Environment['pageLimits'], ...Environment['pageLimits'][]] = [
  systemEnvironment.pageLimits,
  {
    checkpoints: { inline: 2, page: 2 },
    metrics: { inline: 2, page: 1 },
    references: { inline: 1, page: 2 },
  },
  {
    checkpoints: { inline: 4, page: 3 },
    metrics: { inline: 3, page: 3 },
    references: { inline: 2, page: 2 },
  },
]

/** The environment of one process: simulated time and pauses, seeded numbers, and a restore that keeps the bytes. */
export function simulatedEnvironment(process: string, scheduler: Scheduler, random: Random): Environment {
  const skew = (random.next() - 0.5) * 10 * 86_400_000
  let ids = 0
  return {
    now: () => new Date(scheduler.time + skew),
    elapsed: () => scheduler.time,
    random: () => random.next(),
    newId: () => {
      ids += 1
      return `00000000-0000-4000-8000-${Buffer.from(process).toString('hex').padStart(6, '0').slice(-6)}${String(ids).padStart(6, '0')}`
    },
    newToken: () => random.hex(16),
    pageLimits: random.of(pageLimits),
    tidyEvery: random.of([3, 8, systemEnvironment.tidyEvery]),
    memberFiles: systemEnvironment.memberFiles,
    reserveFiles: systemEnvironment.reserveFiles,
    machine: { isBusy: () => Promise.resolve(false) },
    processes: { self: () => Promise.resolve(undefined), livenessOf: () => Promise.resolve('unknown') },
    pause: (milliseconds) => scheduler.turn(process, 'pauses', milliseconds),
    deliver: async (_, deliveries, { onMissing }) => {
      onMissing?.(new Set(deliveries.keys()))
      const contents: string[] = []
      for (const { open } of deliveries) {
        const stream = await open(new AbortController().signal, 1)
        contents.push(Buffer.concat(await Array.fromAsync(stream)).toString())
      }
      return { paths: contents, others: undefined }
    },
  }
}
