import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type BackendAdapter, type CheckpointStore, type HoldfastConfig, openStore } from '@holdfast/core'
import { parseLocation } from '@holdfast/core/backend'

/** The runs of a service by name. Each has the fields of a `holdfast.config.json`. */
type RunsFile = Readonly<Record<string, HoldfastConfig>>

/** What a monitor of the service shows of a run. */
export interface RunState {
  readonly name: string
  readonly url: string
  readonly latest: number | undefined
  /** Milliseconds since the latest save; `undefined` if there is none. */
  readonly age: number | undefined
  /** Why the store cannot be read now. */
  readonly error: unknown
}

/** The open stores of a service. It closes them together. */
export class Runs implements AsyncDisposable {
  readonly #stores: ReadonlyMap<string, CheckpointStore>

  constructor(stores: ReadonlyMap<string, CheckpointStore>) {
    this.#stores = stores
  }

  /** Returns the store of a run. Throws if the file does not name the run. */
  store(name: string): CheckpointStore {
    const store = this.#stores.get(name)
    if (store !== undefined) return store
    throw new Error(`There is no run ${JSON.stringify(name)}. Known: ${[...this.#stores.keys()].join(', ')}.`)
  }

  /** Returns the state of every run, in the order of the file. A store that cannot be read does not hide the others. */
  async states(now = new Date()): Promise<readonly RunState[]> {
    return Promise.all(Array.from(this.#stores, ([name, store]) => stateOf(name, store, now)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#stores)
  }
}

/**
 * Opens all runs that a file names. Relative paths of stores and mirrors are relative to the file. `openStore` checks the options of each
 * run. If one is not valid, rejects and closes the others.
 *
 * @example
 * await using runs = await openRuns('runs.json', [adapter])
 * await runs.store('train').save({ step: 1, files: { 'model.bin': bytes } })
 */
export async function openRuns(file: string, adapters: readonly BackendAdapter[]): Promise<Runs> {
  const configured = JSON.parse(await readFile(file, 'utf8')) as RunsFile
  const stores = new Map<string, CheckpointStore>()
  try {
    for (const [name, config] of Object.entries(configured))
      stores.set(name, await openRun(name, config, dirname(file), adapters))
  } catch (error) {
    await closeAll(stores)
    throw error
  }
  return new Runs(stores)
}

async function stateOf(name: string, store: CheckpointStore, now: Date): Promise<RunState> {
  const { url } = store
  try {
    const latest = await store.latest()
    const age = latest === undefined ? undefined : now.getTime() - latest.savedAt.getTime()
    return { name, url, latest: latest?.step, age, error: undefined }
  } catch (error) {
    return { name, url, latest: undefined, age: undefined, error }
  }
}

/** Opens one run. Relative paths of its store and its mirror are relative to the folder. */
async function openRun(
  name: string,
  { store, mirror, adapters: _, ...options }: HoldfastConfig,
  folder: string,
  adapters: readonly BackendAdapter[],
): Promise<CheckpointStore> {
  if (store === undefined) throw new Error(`The run ${JSON.stringify(name)} has no store.`)
  const locate = (location: string): string => parseLocation(location, folder).href
  return openStore(locate(store), {
    ...options,
    ...(mirror === undefined ? {} : { mirror: { ...mirror, store: locate(mirror.store) } }),
    adapters,
    config: false,
  })
}

/** Closes all stores, also if some cannot be closed. Rejects with the errors of those. */
async function closeAll(stores: ReadonlyMap<string, CheckpointStore>): Promise<void> {
  const closed = await Promise.allSettled(Array.from(stores.values(), (store) => store.close()))
  const errors = closed.filter((each) => each.status === 'rejected').map(({ reason }): unknown => reason)
  if (errors.length > 0) throw new AggregateError(errors, 'Some stores could not be closed.')
}
