import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'

/** A change: the name of the table, the key, and the value. The value is absent if the key was deleted. */
type Change = readonly [table: string, key: string, value?: unknown]

/**
 * The state of an emulator, as tables of plain JSON. Every change is written to a file synchronously and in order.
 * So an emulator can check a condition and publish the result in one step. An emulator that starts again in the
 * same folder continues where it was, even after a kill.
 */
export class Journal {
  readonly #tables = new Map<string, Map<string, unknown>>()
  #file: number | undefined

  /** Without a path, the journal is kept in memory only. */
  constructor(path: string | undefined) {
    if (path === undefined) return
    if (existsSync(path)) this.#replay(readFileSync(path, 'utf8'))
    writeFileSync(`${path}.new`, this.#snapshot())
    renameSync(`${path}.new`, path)
    this.#file = openSync(path, 'a')
  }

  /** Returns the table of this name. The caller is responsible for the type of its values. */
  table<V>(name: string): Table<V> {
    const rows = this.#rows(name) as Map<string, V>
    return {
      get: (key) => rows.get(key),
      entries: () => rows.entries(),
      set: (key, value) => {
        rows.set(key, value)
        this.#write([name, key, value])
      },
      delete: (key) => {
        if (rows.delete(key)) this.#write([name, key])
      },
    }
  }

  /** May be called twice. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #rows(name: string): Map<string, unknown> {
    const there = this.#tables.get(name)
    if (there !== undefined) return there
    const rows = new Map<string, unknown>()
    this.#tables.set(name, rows)
    return rows
  }

  #write(change: Change): void {
    if (this.#file !== undefined) writeSync(this.#file, `${JSON.stringify(change)}\n`)
  }

  /** Ignores an incomplete last line. The process died while it wrote the line, before any client got a response. */
  #replay(lines: string): void {
    for (const line of lines.split('\n').slice(0, -1)) {
      const [table, key, value] = JSON.parse(line) as Change
      if (value === undefined) this.#rows(table).delete(key)
      else this.#rows(table).set(key, value)
    }
  }

  #snapshot(): string {
    const changes = [...this.#tables].flatMap(([table, rows]) =>
      [...rows].map(([key, value]): Change => [table, key, value]),
    )
    return changes.map((change) => `${JSON.stringify(change)}\n`).join('')
  }
}

export interface Table<V> {
  get(key: string): V | undefined
  entries(): Iterable<readonly [string, V]>
  set(key: string, value: V): void
  delete(key: string): void
}
