import { type CheckpointBackend, HoldfastError, MemoryBackend } from '../../src/index.ts'
import {
  type BackendCapabilities,
  type ByteSource,
  type CommitOptions,
  type CommitOutcome,
  type DeleteReport,
  type FreeSpace,
  type ListOptions,
  type ObjectHash,
  type ObjectStat,
  type PutOptions,
  type PutResult,
  type ReadableObject,
  sha256Hex,
  type SourceObject,
  SourceReader,
  type SweepReport,
  throwIfAborted,
} from '../../src/backend.ts'
import type { Disk } from './disk.ts'
import type { Random } from './random.ts'
import type { Scheduler } from './scheduler.ts'

/** The share of all calls that get each kind of fault. */
export interface Faults {
  readonly errorBefore: number
  readonly lostAnswer: number
  readonly crashBefore: number
  readonly crashAfter: number
  /** A pause longer than every grace period, before the call or before its response. */
  readonly sleep: number
  /** For commits of the catalog: a false response reports that the version was created. */
  readonly lie: number
  /** The share of calls that are answered in the turn of their effect. It makes schedules shorter. Default: 0. */
  readonly promptAnswers?: number
}

/** Milliseconds. In this time, a process has several turns. */
const longestSync = 100

export const noFaults: Faults = {
  errorBefore: 0,
  lostAnswer: 0,
  crashBefore: 0,
  crashAfter: 0,
  sleep: 0,
  lie: 0,
}

/** The changes of a broken variant, between the store and the disk. */
export interface Meddling {
  readonly afterManifest?: (attempt: string) => void
  readonly beforeCommit?: (bytes: Uint8Array, disk: Disk) => Uint8Array
  readonly onReadCatalog?: (bytes: Uint8Array) => Uint8Array
  /** The newest catalog key that a list after a commit returns. */
  readonly hidesNewerThanOwnCommit?: boolean
  readonly lostAnswerOfCommit?: 'failed'
  /** Adds the revision of the existing object to a false response, as if the store had sent it. */
  readonly believesLies?: boolean
  /** Reports that a page was stored, and stores it only with the next commit. */
  readonly delaysPages?: boolean
  /** Whether a list returns a key. */
  readonly lists?: (key: string) => boolean
  /** The promise of `writesAhead` that the backend breaks. */
  readonly breaksWriteAhead?: 'names at once' | 'reports before the name' | 'resolves before the sync'
}

/** How a simulated backend differs from the default. */
export interface SimulatedOptions {
  readonly meddling?: Meddling | undefined
  readonly requestPerObject?: boolean | undefined
  /**
   * Writes each object in the steps of a disk: its bytes, the wait for `beforeVisible`, its name, the sync of its folder. Other
   * processes, faults and deaths come between any two of them.
   */
  readonly writesAhead?: boolean | undefined
}

/** The disk as one process sees it. Each call takes a turn before its effect, and another one before its response. */
export class SimulatedBackend implements CheckpointBackend {
  readonly url = 'sim:'
  readonly capabilities: BackendCapabilities
  readonly #process: string
  readonly #disk: Disk
  readonly #scheduler: Scheduler
  readonly #random: Random
  readonly #faults: Faults
  readonly #meddling: Meddling
  #ownCommit: string | undefined
  #delayed: (() => void)[] = []

  constructor(
    process: string,
    disk: Disk,
    scheduler: Scheduler,
    random: Random,
    faults: Faults,
    { meddling = {}, requestPerObject = false, writesAhead = false }: SimulatedOptions = {},
  ) {
    const { capabilities } = new MemoryBackend()
    this.capabilities = { ...capabilities, reusesObjects: 'shares', requestPerObject, writesAhead }
    this.#process = process
    this.#disk = disk
    this.#scheduler = scheduler
    this.#random = random
    this.#faults = faults
    this.#meddling = meddling
  }

  async place(): Promise<string> {
    return this.url
  }

  async put(key: string, source: ByteSource, options: PutOptions = {}): Promise<PutResult> {
    const { unchanged, onVisible } = options
    await using reader = await SourceReader.open(source, { chunkBytes: 2 ** 20, chunksHeld: 0 })
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.chunks()) chunks.push(Uint8Array.from(chunk))
    const bytes = Buffer.concat(chunks)
    const store = (): PutResult => {
      const { sha256 } = reader.result()
      const write = (): void => {
        this.#disk.set(key, bytes, this.#scheduler.time)
      }
      if (this.#meddling.delaysPages === true && key.startsWith('pages/')) {
        this.#delayed.push(write)
        return { key, size: bytes.byteLength, revision: '', sha256 }
      }
      if (unchanged !== undefined && this.#isStored(unchanged.object, bytes, sha256)) {
        this.#disk.share(unchanged.object.key, key)
        return { ...this.#statOf(key), sha256, reused: 'shared' }
      }
      write()
      if (key.endsWith('/manifest.json')) this.#meddling.afterManifest?.(key.split('/')[1] ?? '')
      return { ...this.#statOf(key), sha256 }
    }
    if (this.capabilities.writesAhead !== true) return await this.#call(`put ${key}`, store)
    if (this.#meddling.breaksWriteAhead === 'reports before the name')
      onVisible?.({
        key,
        size: bytes.byteLength,
        revision: '',
        sha256: sha256Hex(bytes),
        storedAt: new Date(this.#scheduler.time),
      })
    return await this.#inSteps(key, options, () => {
      const stored = store()
      const result = { ...stored, storedAt: new Date(this.#scheduler.time) }
      if (this.#meddling.breaksWriteAhead !== 'reports before the name') onVisible?.(result)
      return result
    })
  }

  async commit(key: string, given: Uint8Array, options: CommitOptions = {}): Promise<CommitOutcome> {
    const bytes = this.#meddling.beforeCommit?.(given, this.#disk) ?? given
    const isCatalog = key.startsWith('catalog/')
    if (isCatalog && this.#random.chance(this.#faults.lie)) {
      const there = await this.#call(`commit ${key}, falsely`, () => this.#disk.stat(key))
      if (this.#meddling.believesLies === true) options.onCreated?.(there?.revision ?? '')
      return 'created'
    }
    const effect = { mayHaveOccurred: false }
    const create = (): CommitOutcome => {
      effect.mayHaveOccurred = true
      if (this.#disk.get(key) !== undefined) return 'exists'
      this.#disk.set(key, bytes, this.#scheduler.time)
      if (isCatalog) this.#ownCommit = key
      return 'created'
    }
    try {
      const creation =
        this.capabilities.writesAhead === true
          ? this.#inSteps(key, options, create)
          : this.#call(`commit ${key}`, create)
      return await creation.finally(() => {
        for (const write of this.#delayed.splice(0)) write()
      })
    } catch (error) {
      if (isCatalog && this.#meddling.lostAnswerOfCommit === 'failed') throw error
      if (effect.mayHaveOccurred)
        throw new HoldfastError('OUTCOME_UNKNOWN', `the answer to ${key} was lost`, { key, cause: error })
      throw error
    }
  }

  async read(key: string): Promise<ReadableObject> {
    return this.#call(`read ${key}`, () => {
      const bytes = this.#disk.get(key)
      if (bytes === undefined) throw new HoldfastError('NOT_FOUND', `there is no ${key}`, { key })
      const shown = key.startsWith('catalog/') ? (this.#meddling.onReadCatalog?.(bytes) ?? bytes) : bytes
      return { stat: this.#statOf(key), body: ReadableStream.from<Uint8Array>([Uint8Array.from(shown)]) }
    })
  }

  async stat(key: string): Promise<ObjectStat | undefined> {
    return this.#call(`stat ${key}`, () => this.#disk.stat(key))
  }

  async *list(
    prefix: string,
    { startAfter, limit = Infinity }: ListOptions = {},
  ): AsyncGenerator<ObjectStat> {
    const own = this.#meddling.hidesNewerThanOwnCommit === true ? this.#ownCommit : undefined
    if (prefix === 'catalog/') this.#ownCommit = undefined
    const stats = await this.#call(`list ${prefix}`, () =>
      this.#disk
        .keys(prefix)
        .filter((key) => (startAfter === undefined || key > startAfter) && (own === undefined || key <= own))
        .filter((key) => this.#meddling.lists?.(key) ?? true)
        .slice(0, limit)
        .map((key) => this.#statOf(key)),
    )
    yield* stats
  }

  async delete(keys: readonly string[]): Promise<DeleteReport> {
    // Deletes each key in a separate call, so that a crash can occur between any two.
    for (const key of keys) {
      await this.#call(`delete ${key}`, () => {
        this.#disk.delete(key)
      })
    }
    return { deleted: keys, failed: [] }
  }

  async hash(key: string): Promise<ObjectHash> {
    return this.#call(`hash ${key}`, () => ({
      algorithm: 'sha256',
      value: sha256Hex(this.#disk.get(key) ?? new Uint8Array()),
      origin: 'computed',
    }))
  }

  async setHold(): Promise<never> {
    throw new HoldfastError('UNSUPPORTED', 'The simulated disk holds no objects.')
  }

  async freeSpace(): Promise<FreeSpace> {
    return { kind: 'unbounded' }
  }

  async sweep(): Promise<SweepReport> {
    return { discarded: [], left: 0 }
  }

  async close(): Promise<void> {
    // No state outlives the process.
  }

  /** Makes one request: what it does happens in one turn, and its answer takes another one. */
  async #call<T>(what: string, effect: () => T): Promise<T> {
    await this.#turn(what)
    return this.#answer(what, effect())
  }

  /** Writes an object in the steps of a disk. `name` gives it its name, and returns the result. */
  async #inSteps<T>(key: string, { beforeVisible, signal }: CommitOptions, name: () => T): Promise<T> {
    const { breaksWriteAhead } = this.#meddling
    await this.#turn(`write ${key}`)
    if (breaksWriteAhead !== 'names at once') await beforeVisible?.()
    await this.#turn(`name ${key}`)
    throwIfAborted(signal, `The write of ${key}`, { key })
    const wasThere = this.#disk.get(key) !== undefined
    const result = name()
    if (!wasThere) this.#disk.awaitSync(key)
    const settled = this.#settle(key)
    if (breaksWriteAhead !== 'resolves before the sync') await settled
    else settled.catch(() => undefined) // nobody learns of it
    return result
  }

  /** Makes the name of an object durable. */
  async #settle(key: string): Promise<void> {
    await this.#turn(`sync ${key}`, this.#random.below(longestSync))
    this.#disk.sync(key)
    await this.#answer(`sync ${key}`, undefined)
  }

  /** Waits for the turn of a request, which may fail, and at least this number of milliseconds. */
  async #turn(what: string, least = 0): Promise<void> {
    const { errorBefore, crashBefore, sleep } = this.#faults
    await this.#scheduler.turn(this.#process, what, this.#random.chance(sleep) ? 100_000 : least)
    if (this.#random.chance(crashBefore)) await this.#die()
    if (this.#random.chance(errorBefore)) throw new HoldfastError('UNAVAILABLE', `${what} failed`)
  }

  /** Waits for the turn of an answer, which may get lost. */
  async #answer<T>(what: string, answer: T): Promise<T> {
    const { lostAnswer, crashAfter, sleep, promptAnswers = 0 } = this.#faults
    const delay = this.#random.chance(sleep) ? 100_000 : 0
    const isPrompt = delay === 0 && promptAnswers > 0 && this.#random.chance(promptAnswers)
    if (!isPrompt) await this.#scheduler.turn(this.#process, `answer to ${what}`, delay)
    if (this.#random.chance(crashAfter)) await this.#die()
    if (this.#random.chance(lostAnswer))
      throw new HoldfastError('UNAVAILABLE', `the answer to ${what} was lost`)
    return answer
  }

  async #die(): Promise<never> {
    this.#scheduler.kill(this.#process)
    return new Promise<never>(() => undefined)
  }

  /** Whether a key has these bytes, and its save announced the same. */
  #isStored({ key, sha256: announced }: SourceObject, bytes: Uint8Array, sha256: string): boolean {
    const stored = this.#disk.get(key)
    return stored !== undefined && sha256 === announced && Buffer.compare(stored, bytes) === 0
  }

  #statOf(key: string): ObjectStat {
    const stat = this.#disk.stat(key)
    if (stat === undefined) throw new Error(`${key} vanished within one step`)
    return stat
  }
}
