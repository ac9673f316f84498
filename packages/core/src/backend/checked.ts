import { HoldfastError, throwIfAborted } from '../errors.ts'
import { refuseUnknownOptions } from '../input/unknown-options.ts'
import type {
  BackendCapabilities,
  CallOptions,
  CheckpointBackend,
  CommitOptions,
  CommitOutcome,
  DeleteReport,
  FreeSpace,
  HoldOptions,
  ListOptions,
  ObjectHash,
  ObjectStat,
  PutOptions,
  PutResult,
  ReadableObject,
  ReadOptions,
  SweepOptions,
  SweepReport,
} from './backend.ts'
import { assertKey } from './key.ts'
import { optionsOf, type PortMethod, type PortOperations } from './operations.ts'
import { overloaded, overloadOf } from './overload.ts'
import { PutProgress } from './put-progress.ts'
import type { PutSource } from './source/byte-source.ts'

/** The part of a backend that differs between stores. */
export interface BackendOperations extends PortOperations {
  close(): Promise<void>
  /** Converts what an operation threw into a Holdfast error. `what` describes the call. */
  errorOf(error: unknown, what: string, key: string | undefined): HoldfastError
}

/**
 * A backend that rejects unknown options, invalid keys and signals that have fired before it asks the store. It
 * converts the errors of the store into errors of the port. All backends share this behaviour.
 */
export class CheckedBackend implements CheckpointBackend {
  readonly url: string
  readonly capabilities: BackendCapabilities
  readonly #operations: BackendOperations

  constructor(url: string, capabilities: BackendCapabilities, operations: BackendOperations) {
    this.url = url
    this.capabilities = capabilities
    this.#operations = operations
  }

  async place(options: CallOptions = {}): Promise<string> {
    return this.#call('place', options, [], () => this.#operations.place(options))
  }

  async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    if (options.resume !== undefined && !this.capabilities.resumesPuts) throw cannotResume(key, this.url)
    if (options.unchanged !== undefined && this.capabilities.reusesObjects === undefined)
      throw cannotReuse(key, this.url)
    this.#refuseToWriteAhead(key, options)
    const announced = options.size ?? (source instanceof Uint8Array ? source.byteLength : undefined)
    const progress = new PutProgress(options.onProgress, announced)
    const given = options.onProgress === undefined ? options : { ...options, onProgress: progress.report }
    return this.#call('put', options, [key], async () => {
      const result = await this.#operations.put(key, source, given)
      progress.end(result.size)
      return result
    })
  }

  async commit(key: string, bytes: Uint8Array, options: CommitOptions = {}): Promise<CommitOutcome> {
    this.#refuseToWriteAhead(key, options)
    return this.#call('commit', options, [key], () => this.#operations.commit(key, bytes, options))
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    return this.#call('read', options, [key], () => this.#operations.read(key, options))
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    return this.#call('stat', options, [key], () => this.#operations.stat(key, options))
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectStat> {
    this.#check('list', options, [])
    const { limit = Infinity, signal } = options
    if (limit <= 0) return
    let listed = 0
    const place = prefix === '' ? this.url : prefix
    try {
      for await (const object of this.#operations.list(prefix, options)) {
        throwIfAborted(signal, `Listing ${place}`, { url: this.url })
        yield object
        listed += 1
        if (listed >= limit) return
      }
    } catch (error) {
      throw this.#operations.errorOf(error, `listing ${place}`, undefined)
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    return this.#call('delete', options, keys, () => this.#operations.delete([...new Set(keys)], options))
  }

  async hash(key: string, options: CallOptions = {}): Promise<ObjectHash> {
    return this.#call('hash', options, [key], () => this.#operations.hash(key, options))
  }

  async setHold(keys: readonly string[], options: HoldOptions): Promise<void> {
    const { setHold } = this.#operations
    if (setHold === undefined || this.capabilities.holdsObjects !== true) throw cannotHold(this.url)
    return this.#call('setHold', options, keys, () => setHold([...new Set(keys)], options))
  }

  async freeSpace(options: CallOptions = {}): Promise<FreeSpace> {
    return this.#call('freeSpace', options, [], () => this.#operations.freeSpace(options))
  }

  async sweep(options: SweepOptions): Promise<SweepReport> {
    return this.#call('sweep', options, [], () => this.#operations.sweep(options))
  }

  async close(): Promise<void> {
    await this.#operations.close()
  }

  #refuseToWriteAhead(key: string, { beforeVisible, onVisible }: PutOptions): void {
    const isWanted = beforeVisible !== undefined || onVisible !== undefined
    if (isWanted && this.capabilities.writesAhead !== true) throw cannotWriteAhead(key, this.url)
  }

  #check(method: PortMethod, options: CallOptions, keys: readonly string[]): void {
    refuseUnknownOptions(options, optionsOf(method), method, this.url)
    for (const key of keys) assertKey(key, this.url)
    throwIfAborted(options.signal, `The ${method}`, { url: this.url })
  }

  async #call<T>(
    method: PortMethod,
    options: CallOptions,
    keys: readonly string[],
    operation: () => Promise<T>,
  ): Promise<T> {
    this.#check(method, options, keys)
    const key = keys.length === 1 ? keys[0] : undefined
    try {
      return await operation()
    } catch (error) {
      throw this.#operations.errorOf(error, `${doing[method]} ${key ?? this.url}`, key)
    }
  }
}

/** Returns the error with its key and URL. A key or URL that the error already has is kept. */
export function locatedError(error: HoldfastError, key: string | undefined, url: string): HoldfastError {
  if (error.url !== undefined && (error.key !== undefined || key === undefined)) return error
  const located = new HoldfastError(error.code, error.reason, {
    key: error.key ?? key,
    url: error.url ?? url,
    cause: error.cause ?? error,
    retryable: error.retryable,
    hint: error.hint,
  })
  return overloaded(located, overloadOf(error))
}

/** What a method does, as the beginning of a message. */
const doing: Readonly<Record<PortMethod, string>> = {
  place: 'Locating',
  put: 'Writing',
  commit: 'Writing',
  read: 'Reading',
  stat: 'Looking at',
  list: 'Listing',
  delete: 'Deleting',
  hash: 'Reading',
  setHold: 'Changing the legal hold of',
  freeSpace: 'Measuring the free space of',
  sweep: 'Sweeping',
}

function cannotResume(key: string, url: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `This store cannot continue an interrupted put, so the put of ${key} cannot have the option resume. Leave it out.`,
    { key, url },
  )
}

function cannotHold(url: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    'This store cannot hold objects, or is not configured to. Use a bucket with object lock and the option legalHolds.',
    { url },
  )
}

function cannotWriteAhead(key: string, url: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `This store cannot write ${key} before the object becomes visible. Leave beforeVisible and onVisible out.`,
    { key, url },
  )
}

function cannotReuse(key: string, url: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `This store cannot use the bytes of another object, so the put of ${key} cannot have the option unchanged. Leave it out.`,
    { key, url },
  )
}
