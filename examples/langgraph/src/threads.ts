import { type CheckpointStore, listRuns, openStore, type OpenStoreOptions } from '@holdfast/core'

export interface Place {
  readonly thread: string
  readonly namespace: string
}

/** The stores of all threads below one location: one for each namespace of each thread. */
export class Threads implements AsyncDisposable {
  readonly #location: string
  readonly #options: OpenStoreOptions
  readonly #stores = new Map<string, Promise<CheckpointStore>>()

  constructor(location: string, options: OpenStoreOptions) {
    this.#location = location
    this.#options = options
  }

  /** Returns the store of a thread. Several processes may write to it. */
  async open(place: Place): Promise<CheckpointStore> {
    const name = nameOf(place)
    const known = this.#stores.get(name)
    if (known !== undefined) return known
    const opened = openStore(`${this.#location}/${name}`, { ...this.#options, mode: 'shared' })
    this.#stores.set(name, opened)
    opened.catch(() => this.#stores.delete(name)) // the next call opens it again
    return opened
  }

  /** Returns the threads that exist. */
  async all(): Promise<readonly Place[]> {
    const { adapters, backend, config } = this.#options
    const runs = await listRuns(this.#location, { adapters, backend, config })
    return runs.map(({ name }) => placeOf(name))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#stores.values(), async (store) => (await store).close()))
    this.#stores.clear()
  }
}

/** Hexadecimal, because a thread may have any name, and some file systems ignore the case of letters. */
function nameOf({ thread, namespace }: Place): string {
  return `${hex(thread)}/n${hex(namespace)}`
}

function placeOf(name: string): Place {
  const [thread = '', namespace = ''] = name.split('/')
  return { thread: fromHex(thread), namespace: fromHex(namespace.slice(1)) }
}

const hex = (text: string): string => Buffer.from(text).toString('hex')
const fromHex = (text: string): string => Buffer.from(text, 'hex').toString()
