import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type RequestInfo, type ErrorCode, HoldfastError, request, type RequestContext } from '@holdfast/core'

/** Milliseconds that SQLite itself waits for another process, and this one stands still. Then core waits. */
const patience = 500

/**
 * A body is the bytes of one put or commit, in chunks; an object is a key that has one. A body without an object is
 * unfinished work. `AUTOINCREMENT` never gives a number twice, so the number of its body is an object's revision.
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

/** One file of SQLite, opened when it is first asked. */
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

  /** Does some work in one go, and does it again while another process is in the way. */
  async ask<Answer>(asked: RequestInfo, work: (connection: DatabaseSync) => Answer): Promise<Answer> {
    return request(this.#context, asked, async () => work(this.#open()))
  }

  /**
   * Work that is done whole or not at all, and durably; of all processes one at a time is in it. When it cannot be
   * known whether it was done, the error has the code `unknown`.
   */
  async change<Answer>(
    asked: RequestInfo,
    work: (connection: DatabaseSync) => Answer,
    unknown: ErrorCode = 'UNAVAILABLE',
  ): Promise<Answer> {
    return this.ask(asked, (connection) => {
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
        const message = `${asked.what} has an unknown outcome: the disk failed at its end.`
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
    if (this.#closed) throw new HoldfastError('INVALID_ARGUMENT', 'The backend is closed.')
    mkdirSync(dirname(this.file), { recursive: true })
    const connection = new DatabaseSync(this.file)
    try {
      // WAL lets readers go on while one writes; FULL syncs every commit to the disk.
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

/** The one number that a query answers. */
export function numberOf(connection: DatabaseSync, query: string): number {
  return Number(Object.values(connection.prepare(query).get() ?? {})[0])
}
