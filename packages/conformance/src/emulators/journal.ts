import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'

/** One change: the name of the table, the key, and the value, which is absent when the key was deleted. */
type Change = readonly [table: string, key: string, value?: unknown]

/**
 * What an emulator knows, as tables of plain JSON. Every change is written to a file at once and in order, before
 * the call that made it returns: a condition can be checked and what follows from it published without anything
 * coming between, and an emulator that is started again in the same folder, also after a kill, goes on where it was.
 */
export class Journal {
  readonly #tables = new Map<string, Map<string, unknown>>()
  #file: number | undefined

  /** Nothing is written when there is no path. */
  constructor(path: string | undefined) {
    if (path === undefined) return
    if (existsSync(path)) this.#replay(readFileSync(path, 'utf8'))
    writeFileSync(`${path}.new`, this.#snapshot())
    renameSync(`${path}.new`, path)
    this.#file = openSync(path, 'a')
  }

  /** The table of this name. Whoever asks says what it holds. */
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

  /** A last line without its end was being written when the process died: nobody was told of it. */
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
