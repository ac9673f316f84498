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
    meddling: Meddling = {},
    requestPerObject = false,
  ) {
    this.capabilities = { ...new MemoryBackend().capabilities, reusesObjects: 'shares', requestPerObject }
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

  async put(key: string, source: ByteSource, { unchanged }: PutOptions = {}): Promise<PutResult> {
    await using reader = await SourceReader.open(source, { chunkBytes: 2 ** 20, chunksHeld: 0 })
    const chunks: Uint8Array[] = []
    for await (const chunk of reader.chunks()) chunks.push(Uint8Array.from(chunk))
    const bytes = Buffer.concat(chunks)
    return await this.#call(`put ${key}`, () => {
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
    })
  }

  async commit(key: string, given: Uint8Array, { onCreated }: CommitOptions = {}): Promise<CommitOutcome> {
    const bytes = this.#meddling.beforeCommit?.(given, this.#disk) ?? given
    const isCatalog = key.startsWith('catalog/')
    if (isCatalog && this.#random.chance(this.#faults.lie)) {
      const there = await this.#call(`commit ${key}, falsely`, () => this.#disk.stat(key))
      if (this.#meddling.believesLies === true) onCreated?.(there?.revision ?? '')
      return 'created'
    }
    try {
      return await this.#call(`commit ${key}`, () => {
        if (this.#disk.get(key) !== undefined) return 'exists'
        this.#disk.set(key, bytes, this.#scheduler.time)
        if (isCatalog) this.#ownCommit = key
        return 'created'
      }).finally(() => {
        for (const write of this.#delayed.splice(0)) write()
      })
    } catch (error) {
      if (isCatalog && this.#meddling.lostAnswerOfCommit === 'failed') throw error
      if (error instanceof LostAnswer)
        throw new HoldfastError('OUTCOME_UNKNOWN', `the answer to ${key} was lost`, { key })
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

  async #call<T>(what: string, effect: () => T): Promise<T> {
    const { errorBefore, lostAnswer, crashBefore, crashAfter, sleep, promptAnswers = 0 } = this.#faults
    await this.#scheduler.turn(this.#process, what, this.#random.chance(sleep) ? 100_000 : 0)
    if (this.#random.chance(crashBefore)) await this.#die()
    if (this.#random.chance(errorBefore)) throw new HoldfastError('UNAVAILABLE', `${what} failed`)
    const answer = effect()
    const delay = this.#random.chance(sleep) ? 100_000 : 0
    const isPrompt = delay === 0 && promptAnswers > 0 && this.#random.chance(promptAnswers)
    if (!isPrompt) await this.#scheduler.turn(this.#process, `answer to ${what}`, delay)
    if (this.#random.chance(crashAfter)) await this.#die()
    if (this.#random.chance(lostAnswer)) throw new LostAnswer(what)
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

/** The effect may have occurred. The caller cannot know. */
class LostAnswer extends HoldfastError {
  constructor(what: string) {
    super('UNAVAILABLE', `the answer to ${what} was lost`)
  }
}
