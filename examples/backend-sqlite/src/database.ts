import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type ErrorCode,
  HoldfastError,
  type RequestContext,
  type RequestInfo,
  requestWithRetry,
} from '@holdfast/core/backend'

/**
 * Milliseconds for which SQLite waits for a lock. It blocks this process meanwhile, so further waiting is left to
 * core.
 */
const patience = 500

/**
 * A body has the bytes of one put or commit, in chunks. An object is a key with a body. A body without an object is
 * unfinished work. `AUTOINCREMENT` never reuses a number, so the number of its body serves as an object's revision.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS bodies (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, started_at INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS chunks (
    body INTEGER NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (body, number)
  );
  CREATE TABLE IF NOT EXISTS objects (
    key TEXT PRIMARY KEY, body INTEGER NOT NULL, size INTEGER NOT NULL, modified_at INTEGER NOT NULL
  ) WITHOUT ROWID;
`

/** An SQLite database file, opened on first use. */
export class Database {
  readonly file: string
  readonly #context: RequestContext
  readonly #maxBytes: number | undefined
  #connection: DatabaseSync | undefined
  #closed = false

  constructor(file: string, context: RequestContext, maxBytes: number | undefined) {
    this.file = file
    this.#context = context
    this.#maxBytes = maxBytes
  }

  /** Runs work on the database, and retries it while another process locks the database. */
  async ask<Answer>(request: RequestInfo, work: (connection: DatabaseSync) => Answer): Promise<Answer> {
    return requestWithRetry(this.#context, request, async () => work(this.#open()))
  }

  /**
   * Runs work in a durable transaction that excludes all other writers, in all processes. If it cannot be known
   * whether the transaction was committed, rejects with the code `unknown`.
   */
  async change<Answer>(
    request: RequestInfo,
    work: (connection: DatabaseSync) => Answer,
    unknown: ErrorCode = 'UNAVAILABLE',
  ): Promise<Answer> {
    return this.ask(request, (connection) => {
      connection.exec('BEGIN IMMEDIATE')
      let answer: Answer
      try {
        answer = work(connection)
      } catch (error) {
        if (connection.isTransaction) connection.exec('ROLLBACK')
        throw error
      }
      try {
        connection.exec('COMMIT')
      } catch (error) {
        if (connection.isTransaction) connection.exec('ROLLBACK')
        const message = `${request.what} has an unknown outcome: its transaction could not be committed. Check the disk.`
        throw new HoldfastError(unknown, message, { cause: error, retryable: false })
      }
      return answer
    })
  }

  close(): void {
    this.#closed = true
    this.#connection?.close()
    this.#connection = undefined
  }

  #open(): DatabaseSync {
    if (this.#connection !== undefined) return this.#connection
    if (this.#closed) throw new HoldfastError('INVALID_ARGUMENT', 'The backend is closed. Open a new one.')
    mkdirSync(dirname(this.file), { recursive: true })
    const connection = new DatabaseSync(this.file)
    try {
      // WAL lets readers continue during a write: https://sqlite.org/wal.html. With FULL, every commit is synced to the
      // disk: https://sqlite.org/pragma.html#pragma_synchronous.
      connection.exec(
        `PRAGMA busy_timeout = ${patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`,
      )
      connection.exec(schema)
      if (this.#maxBytes !== undefined) limitPages(connection, this.#maxBytes)
    } catch (error) {
      connection.close()
      throw error
    }
    this.#connection = connection
    return connection
  }
}

function limitPages(connection: DatabaseSync, maxBytes: number): void {
  const pages = Math.floor(maxBytes / numberOf(connection, 'PRAGMA page_size'))
  connection.exec(`PRAGMA max_page_count = ${pages}`)
}

/** Returns the single number that a query yields. */
export function numberOf(connection: DatabaseSync, query: string): number {
  return Number(Object.values(connection.prepare(query).get() ?? {})[0])
}
