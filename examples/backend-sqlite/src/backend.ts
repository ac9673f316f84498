import { pathToFileURL } from 'node:url'
import {
  type BackendHooks,
  CheckedBackend,
  computedHash,
  ObjectNames,
  parseSize,
  type RetryPolicy,
  type Size,
} from '@holdfast/core/backend'
import { chunkBytes } from './bodies.ts'
import { commit } from './commit.ts'
import { Database } from './database.ts'
import { deleteKeys } from './delete.ts'
import { errorOf } from './errors.ts'
import { freeSpace } from './free-space.ts'
import { list } from './list.ts'
import { put } from './put.ts'
import { read, stat } from './read.ts'
import { sweep } from './sweep.ts'

export interface SqliteOptions extends BackendHooks {
  /** The largest size of the database file. Default: limited by the disk only. */
  readonly maxSize?: Size | undefined
  /** How to retry a request while another process locks the database. */
  readonly retry?: RetryPolicy | undefined
}

/** Keeps objects in an SQLite database, below a root. */
export class SqliteBackend extends CheckedBackend {
  /** Does not open the file yet. Throws `CONFIG` if `path` is not a valid root. */
  constructor(file: string, path = '', { maxSize, retry, onRetry }: SqliteOptions = {}) {
    const names = new ObjectNames(`sqlite://${pathToFileURL(file).pathname}`, path, 1024)
    const { url } = names
    const maxBytes = maxSize === undefined ? undefined : parseSize(maxSize)
    const database = new Database(
      file,
      { retry, onRetry, errorOf: (error, request) => errorOf(error, request, url) },
      maxBytes,
    )
    const capabilities = {
      freeSpace: maxBytes === undefined ? 'measured' : 'budgeted',
      hash: 'computed',
      localRoot: undefined,
      maxKeyBytes: names.maxKeyBytes,
      maxObjectBytes: Number.MAX_SAFE_INTEGER,
      // One chunk is being filled, one is being hashed, and SQLite has a copy.
      maxBufferedBytes: 3 * chunkBytes,
      // SQLite has one writer at a time.
      smallObjectsAtOnce: 1,
      resumesPuts: false,
    } as const
    super(url, capabilities, {
      place: async () => url,
      put: (key, source, options) => put(database, key, names.object(key), source, options),
      commit: (key, bytes, { signal }) => commit(database, key, names.object(key), bytes, signal),
      read: (key, options) => read(database, key, names.object(key), options),
      stat: (key, { signal }) => stat(database, key, names.object(key), signal),
      list: (prefix, options) => list(database, names, prefix, options),
      delete: (keys, { signal }) => deleteKeys(database, names, keys, signal),
      hash: async (key, options) =>
        computedHash(await read(database, key, names.object(key), { signal: options.signal })),
      freeSpace: ({ signal }) => freeSpace(database, maxBytes, signal),
      sweep: (options) => sweep(database, names, options),
      close: async () => {
        database.close()
      },
      errorOf: (error, what, key) => errorOf(error, { what, key }, url),
    })
  }
}
