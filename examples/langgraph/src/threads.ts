import { createHash } from 'node:crypto'
import {
  type CheckpointStore,
  listRuns,
  locationBelow,
  openStore,
  type OpenStoreOptions,
} from '@holdfast/core'

export interface Place {
  readonly thread: string
  readonly namespace: string
}

/** An open store, and how many callers use it now. */
interface OpenThread {
  readonly store: Promise<CheckpointStore>
  users: number
}

/** Stores that stay open while no caller uses them. A server meets new threads and namespaces without end. */
const mostIdle = 100

/** The stores of all threads below one location: one for each namespace of each thread. */
export class Threads implements AsyncDisposable {
  readonly #location: string
  readonly #options: OpenStoreOptions
  readonly #mostIdle: number
  /** By the names of the stores. The ones that were used last are at the end. */
  readonly #open = new Map<string, OpenThread>()

  constructor(location: string, options: OpenStoreOptions, idle = mostIdle) {
    this.#location = location
    this.#options = options
    this.#mostIdle = idle
  }

  /** Calls `work` with the store of a name, which stays open meanwhile. Several processes may write to it. */
  async use<Result>(name: string, work: (store: CheckpointStore) => Promise<Result>): Promise<Result> {
    const opened = this.#open.get(name) ?? { store: this.#openStore(name), users: 0 }
    this.#open.delete(name)
    this.#open.set(name, opened)
    opened.users += 1
    try {
      return await work(await opened.store)
    } finally {
      opened.users -= 1
      await this.#closeIdle()
    }
  }

  /** Returns the names of the stores of one thread, or of all threads. */
  async names(thread?: string): Promise<readonly string[]> {
    const { adapters, backend, config } = this.#options
    const folder = thread === undefined ? undefined : digest(thread)
    const below = folder === undefined ? this.#location : locationBelow(this.#location, folder)
    const runs = await listRuns(below, { adapters, backend, config })
    return runs.map(({ name }) => (folder === undefined ? name : `${folder}/${name}`))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(opened.map(async ({ store }) => (await store).close()))
  }

  async #openStore(name: string): Promise<CheckpointStore> {
    try {
      return await openStore(locationBelow(this.#location, name), { ...this.#options, mode: 'shared' })
    } catch (error) {
      this.#open.delete(name) // the next call opens it again
      throw error
    }
  }

  async #closeIdle(): Promise<void> {
    const idle = [...this.#open].filter(([, { users }]) => users === 0)
    const closed = idle.slice(0, Math.max(0, idle.length - this.#mostIdle))
    for (const [name] of closed) this.#open.delete(name)
    await Promise.all(closed.map(async ([, { store }]) => (await store).close()))
  }
}

/** Returns the name of the store of a place. A thread and a namespace may have any length, and a folder may not. */
export function nameOf({ thread, namespace }: Place): string {
  return `${digest(thread)}/${digest(namespace)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
