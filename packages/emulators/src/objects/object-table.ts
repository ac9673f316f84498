import type { Table } from './journal.ts'
import { SortedKeys } from './sorted-keys.ts'

/** A table of objects by bucket and key. It keeps the keys of each bucket ordered by their UTF-8 bytes. */
export class ObjectTable<V> {
  readonly #rows: Table<V>
  readonly #keys = new Map<string, SortedKeys>()

  constructor(rows: Table<V>) {
    this.#rows = rows
    for (const [path] of rows.entries()) {
      const slash = path.indexOf('/')
      this.#keysOf(path.slice(0, slash)).add(path.slice(slash + 1))
    }
  }

  get(bucket: string, key: string): V | undefined {
    return this.#rows.get(`${bucket}/${key}`)
  }

  set(bucket: string, key: string, value: V): void {
    this.#rows.set(`${bucket}/${key}`, value)
    this.#keysOf(bucket).add(key)
  }

  delete(bucket: string, key: string): void {
    this.#rows.delete(`${bucket}/${key}`)
    this.#keysOf(bucket).delete(key)
  }

  values(): readonly V[] {
    return [...this.#rows.entries()].map(([, value]) => value)
  }

  /** Yields the keys of a bucket that are not before `key`. */
  keysFrom(bucket: string, key: string): Iterable<string> {
    return this.#keysOf(bucket).from(key)
  }

  #keysOf(bucket: string): SortedKeys {
    const there = this.#keys.get(bucket)
    if (there !== undefined) return there
    const keys = new SortedKeys()
    this.#keys.set(bucket, keys)
    return keys
  }
}
