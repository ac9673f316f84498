import { CheckpointStore, type Environment, HoldfastError, systemEnvironment } from '../../../src/index.ts'
import { StoreEventEmitter } from '../../../src/store/context/events.ts'
import { type Faults, SimulatedBackend } from '../backend.ts'
import type { Disk } from '../disk.ts'
import { contentOf, frozen, simulatedEnvironment } from '../process.ts'
import type { Random } from '../random.ts'
import type { Scheduler } from '../scheduler.ts'
import { latestOf } from '../../../src/order-key.ts'
import { type MirrorOracle, newestCatalog } from './oracle.ts'

/** What all nodes share: the place of the mirror, time, and the oracle. */
export interface World {
  readonly mirror: Disk
  readonly scheduler: Scheduler
  readonly random: Random
  readonly oracle: MirrorOracle
  /** Whether a node starts only when the one before has come to its end. */
  readonly isInTurn: boolean
  /** Whether the disks of the nodes write ahead. The mirror never does, as an object store. */
  readonly writesAhead: boolean
}

/** How often a process waits for the mirror at its end. */
const mostFlushes = 50

/** One process on a node: it restores, and saves steps on top of what it restored. */
export class NodeProcess {
  readonly name: string
  readonly #store: CheckpointStore
  readonly #disk: Disk
  readonly #world: World
  readonly #linksFiles: boolean
  readonly #restores: boolean
  #step = 0
  #operations = 0

  constructor(name: string, disk: Disk, faults: Faults, world: World) {
    const { mirror, scheduler, random, oracle, writesAhead } = world
    this.name = name
    this.#disk = disk
    this.#world = world
    this.#linksFiles = random.chance(0.5)
    const takeOver = random.chance(0.4)
    if (takeOver) oracle.hearMayForce(name)
    this.#restores = random.chance(takeOver ? 0.5 : 0.9)
    this.#store = new CheckpointStore(
      new SimulatedBackend(name, disk, scheduler, random, faults, { writesAhead }),
      {
        writerName: name,
        packs: random.of(['auto', 'always', 'never']),
        unchanged: this.#linksFiles ? 'link' : 'auto',
        retention: random.chance(0.5) ? { keepLast: 1 } : {},
        mirror: {
          store: 'sim:mirror',
          retention: { keepLast: 1000 },
          maxBehind: 256,
          flushLimit: 50_000,
          takeOver,
        },
      },
      environmentOf(name, scheduler, random),
      new StoreEventEmitter(),
      // If each object needs a request, the manifest of a copy has its files.
      new SimulatedBackend(name, mirror, scheduler, random, faults, { requestPerObject: random.chance(0.5) }),
    )
    this.#store.on('mirrored', ({ step }) => {
      oracle.hearMirrored(disk, step)
    })
  }

  get store(): CheckpointStore {
    return this.#store
  }

  /**
   * Restores, performs this number of operations, and closes the store. Half of the processes, and all that follow one another, continue
   * from the mirror and wait for it at their end, as a supervised run does. Some do not restore, and save what follows the latest
   * checkpoint of their disk. Never resolves if the process dies.
   */
  async run(count: number): Promise<void> {
    const { random, isInTurn } = this.#world
    const isSupervised = isInTurn || random.chance(0.5)
    if (this.#restores) {
      if (isSupervised) await this.#expectTypedError(async () => this.#store.mirror?.bringBack())
      await this.#expectTypedError(() => this.restore())
    } else this.#step = latestOf(newestCatalog(this.#disk)?.checkpoints ?? [])?.step ?? 0
    for (let each = 0; each < count; each += 1) await this.#expectTypedError(() => this.#operate())
    if (isSupervised) await this.#expectTypedError(() => this.#waitForMirror())
    await this.#expectTypedError(() => this.#store.close())
  }

  /** Restores the latest checkpoint. Returns the operation that saved it. */
  async restore(): Promise<string | undefined> {
    const restored = await this.#store.restore('latest', { to: '/simulated' })
    if (restored === undefined) return undefined
    const operation = restored.tags[0] ?? ''
    for (const { name, path } of restored.restored)
      if (path !== contentOf(operation, name).toString())
        throw new Error(`P3: step ${restored.step} was restored with other bytes`)
    this.#step = restored.step
    return operation
  }

  async save(step: number): Promise<void> {
    this.#operations += 1
    const operation = `${this.name}.${this.#operations}`
    const { oracle } = this.#world
    oracle.hearDoubt(this.#disk, step)
    await this.#store.save({
      step,
      onExisting: 'replace',
      tags: [operation],
      metrics: { loss: step },
      files: {
        'model.bin': contentOf(operation, 'model.bin'),
        'log.txt': contentOf(operation, 'log.txt'),
        ...(this.#linksFiles ? { [frozen]: contentOf(operation, frozen) } : {}),
      },
    })
    oracle.hearSaved(this.#disk, step, operation)
    this.#step = step
  }

  async #waitForMirror(): Promise<void> {
    // Time passes at random, so a flush may be over long before the copies are.
    for (let each = 0; each < mostFlushes; each += 1) if ((await this.#flush()) !== 'copying') break
  }

  async #flush(): Promise<string | undefined> {
    const status = await this.#store.mirror?.flush()
    if (status?.state === 'idle' && status.waiting.length === 0) this.#world.oracle.hearUpToDate(this.#disk)
    return status?.state
  }

  async #operate(): Promise<void> {
    const { random } = this.#world
    const kind = random.of(['save', 'save', 'save', 'save', 'flush', 'attach', 'pin'])
    if (kind === 'flush') await this.#flush()
    else if (this.#step === 0 || kind === 'save') await this.save(this.#step + 1 + random.below(2))
    else if (kind === 'attach') await this.#store.attach(this.#step, { accuracy: random.below(10) })
    else await this.#store.pin(this.#step)
  }

  async #expectTypedError(act: () => Promise<unknown>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error
    }
  }
}

/** Pauses end when their signal fires. Catalogs have no pages, so that the oracle reads one document. */
function environmentOf(name: string, scheduler: Scheduler, random: Random): Environment {
  const simulated = simulatedEnvironment(name, scheduler, random)
  return {
    ...simulated,
    pageLimits: systemEnvironment.pageLimits,
    pause: async (milliseconds, signal) => {
      const aborted = new Promise<never>((_, reject) => {
        const stop = (): void => {
          reject(new HoldfastError('ABORTED', 'The pause was ended'))
        }
        if (signal?.aborted === true) stop()
        signal?.addEventListener('abort', stop)
      })
      await Promise.race([scheduler.turn(name, 'pauses', milliseconds), aborted])
    },
  }
}
