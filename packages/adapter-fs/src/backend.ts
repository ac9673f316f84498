import * as promises from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type BackendCapabilities,
  type ByteSource,
  type CallOptions,
  type CheckpointBackend,
  type CommitOutcome,
  type DeleteReport,
  type FreeSpace,
  type ListOptions,
  type ObjectHash,
  type ObjectStat,
  portOptions,
  type PutOptions,
  type PutResult,
  type ReadableObject,
  type ReadOptions,
  refuseUnknownOptions,
  type SweepOptions,
  type SweepReport,
  throwIfAborted,
} from '@holdfast/core'
import { Cloning } from './clone.ts'
import { commit } from './commit.ts'
import { deleteKeys } from './delete.ts'
import { keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { FolderDurability } from './folders.ts'
import { freeSpace } from './free-space.ts'
import { hash } from './hash.ts'
import { list } from './list.ts'
import { Names } from './names.ts'
import { chunkBytes, chunksInMemory, put } from './put.ts'
import { read, stat } from './read.ts'
import { sweep } from './sweep.ts'

export interface FileBackendOptions {
  /** Instead of `node:fs/promises`. */
  readonly fileSystem?: FileSystem | undefined
  /** Whose reserved names are refused. Default: this machine's. */
  readonly platform?: NodeJS.Platform | undefined
}

/**
 * Keeps objects as files below one folder, a key being its path. The folder is made by the first write.
 *
 * Durable means `fsync` of the file and of each folder that was changed: as far as the disk keeps its word.
 */
export class FileBackend implements CheckpointBackend {
  readonly url: string
  readonly capabilities: BackendCapabilities
  readonly #fileSystem: FileSystem
  readonly #names: Names
  readonly #cloning = new Cloning()
  readonly #durability = new FolderDurability()

  constructor(root: string, { fileSystem = promises, platform = process.platform }: FileBackendOptions = {}) {
    const path = resolve(root)
    this.url = pathToFileURL(path).href
    this.#fileSystem = fileSystem
    this.#names = new Names(path, this.url, platform)
    this.capabilities = {
      freeSpace: 'measured',
      hash: 'computed',
      localRoot: path,
      maxKeyBytes: this.#names.maxKeyBytes,
      maxObjectBytes: Number.MAX_SAFE_INTEGER,
      maxBufferedBytes: chunkBytes * chunksInMemory,
    }
  }

  async put(key: string, source: ByteSource, options: PutOptions = {}): Promise<PutResult> {
    return this.#onKey('put', key, options, () =>
      put(this.#fileSystem, this.#names, this.#durability, this.#cloning, key, source, options),
    )
  }

  async commit(key: string, bytes: Uint8Array, options: CallOptions = {}): Promise<CommitOutcome> {
    return this.#onKey('commit', key, options, () =>
      commit(this.#fileSystem, this.#names, this.#durability, key, bytes, options.signal),
    )
  }

  async read(key: string, options: ReadOptions = {}): Promise<ReadableObject> {
    return this.#onKey('read', key, options, () => read(this.#fileSystem, this.#names, key, options))
  }

  async stat(key: string, options: CallOptions = {}): Promise<ObjectStat | undefined> {
    return this.#onKey('stat', key, options, () => stat(this.#fileSystem, this.#names, key))
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectStat> {
    this.#check('list', options)
    try {
      yield* list(this.#fileSystem, this.#names, prefix, options)
    } catch (error) {
      throw keyError(error, `listing ${this.#names.root}`, undefined, this.url)
    }
  }

  async delete(keys: readonly string[], options: CallOptions = {}): Promise<DeleteReport> {
    return this.#onRoot('delete', options, () =>
      deleteKeys(this.#fileSystem, this.#names, keys, options.signal),
    )
  }

  async hash(key: string, options: CallOptions = {}): Promise<ObjectHash> {
    return this.#onKey('hash', key, options, () => hash(this.#fileSystem, this.#names, key, options))
  }

  async freeSpace(options: CallOptions = {}): Promise<FreeSpace> {
    return this.#onRoot('freeSpace', options, () => freeSpace(this.#fileSystem, this.#names))
  }

  async sweep(options: SweepOptions): Promise<SweepReport> {
    return this.#onRoot('sweep', options, () => sweep(this.#fileSystem, this.#names, options))
  }

  async close(): Promise<void> {
    // No handle outlives a call.
  }

  #check(method: keyof typeof portOptions, options: CallOptions): void {
    refuseUnknownOptions(options, portOptions[method], method, this.url)
    throwIfAborted(options.signal, `The ${method}`, { url: this.url })
  }

  async #onKey<T>(
    method: keyof typeof portOptions,
    key: string,
    options: CallOptions,
    call: () => Promise<T>,
  ): Promise<T> {
    this.#check(method, options)
    const path = this.#names.path(key)
    try {
      return await call()
    } catch (error) {
      throw keyError(error, `the ${method} of ${path}`, key, this.url)
    }
  }

  async #onRoot<T>(
    method: keyof typeof portOptions,
    options: CallOptions,
    call: () => Promise<T>,
  ): Promise<T> {
    this.#check(method, options)
    try {
      return await call()
    } catch (error) {
      throw keyError(error, `the ${method} in ${this.#names.root}`, undefined, this.url)
    }
  }
}
