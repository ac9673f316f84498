import { HoldfastError, throwIfAborted } from '../errors.ts'
import { refuseUnknownOptions } from '../unknown-options.ts'
import type {
  BackendCapabilities,
  CallOptions,
  CheckpointBackend,
  CommitOptions,
  CommitOutcome,
  DeleteReport,
  FreeSpace,
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
import type { ByteSource } from './source/byte-source.ts'

/** What differs from store to store. */
export interface BackendOperations extends PortOperations {
  close(): Promise<void>
  /** Turns whatever an operation threw into a Holdfast error; `what` is the call in words. */
  errorOf(error: unknown, what: string, key: string | undefined): HoldfastError
}

/**
 * What every backend does alike, written once: options that are not known, keys that are not valid and signals that
 * have fired are refused before the store is asked, and its errors leave in the terms of the port.
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

  async put(key: string, source: ByteSource, options: PutOptions = {}): Promise<PutResult> {
    return this.#call('put', options, [key], () => this.#operations.put(key, source, options))
  }

  async commit(key: string, bytes: Uint8Array, options: CommitOptions = {}): Promise<CommitOutcome> {
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
    try {
      for await (const object of this.#operations.list(prefix, options)) {
        throwIfAborted(signal, `Listing ${prefix}`, { url: this.url })
        yield object
        listed += 1
        if (listed >= limit) return
      }
    } catch (error) {
      throw this.#operations.errorOf(error, `listing ${prefix}`, undefined)
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    return this.#call('delete', options, keys, () => this.#operations.delete([...new Set(keys)], options))
  }

  async hash(key: string, options: CallOptions = {}): Promise<ObjectHash> {
    return this.#call('hash', options, [key], () => this.#operations.hash(key, options))
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
      throw this.#operations.errorOf(error, `The ${method} of ${key ?? this.url}`, key)
    }
  }
}

/** The same error, with the key and the URL that it was about, where it does not say so itself. */
export function locatedError(error: HoldfastError, key: string | undefined, url: string): HoldfastError {
  if (error.url !== undefined && (error.key !== undefined || key === undefined)) return error
  return new HoldfastError(error.code, error.message, {
    key: error.key ?? key,
    url: error.url ?? url,
    cause: error.cause ?? error,
    retryable: error.retryable,
    hint: error.hint,
  })
}
