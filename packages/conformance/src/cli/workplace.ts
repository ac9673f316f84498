import { mkdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type CheckpointBackend, HoldfastError, nodeErrorCode } from '@holdfast/core/backend'
import { openPlace, type Place } from '../place.ts'
import type { Subject } from '../subject.ts'

/** Largest number of keys in one call of `delete`. */
const batch = 1000

/** A new folder below the place that the user gave. Every case works on a separate place inside this folder. */
export class Workplace {
  /** A backend on the whole folder. */
  readonly whole: CheckpointBackend
  readonly #place: Place
  /** The outermost local folder that was created. `undefined` for a remote store. */
  readonly #createdFolder: string | undefined
  readonly #opened = new WeakMap<CheckpointBackend, Place>()
  #count = 0

  private constructor(place: Place, whole: CheckpointBackend, createdFolder: string | undefined) {
    this.whole = whole
    this.#place = place
    this.#createdFolder = createdFolder
  }

  /** Creates the folder. Rejects if the store is unreachable, denies access, or already has an object there. */
  static async create(given: Place, name: string): Promise<Workplace> {
    const place = below(given, name)
    const whole = await openPlace(place)
    try {
      for await (const { key } of whole.list('', { limit: 1 }))
        throw new HoldfastError(
          'ALREADY_EXISTS',
          `${whole.url} is not empty, because ${key} exists. Run the command again to use another folder.`,
          { key },
        )
      const { localRoot } = whole.capabilities
      const createdFolder = localRoot === undefined ? undefined : await mkdir(localRoot, { recursive: true })
      return new Workplace(place, whole, createdFolder)
    } catch (error) {
      await whole.close()
      throw error
    }
  }

  /** Returns the subject of the suite. The contract of a backend requires only one of concurrent puts to succeed. */
  subject(partBytes: number): Subject {
    const subject: Subject = {
      open: async () => {
        this.#count += 1
        return this.#open(below(this.#place, String(this.#count)))
      },
      reopen: async (backend) => this.#open(this.#placeOf(backend)),
      partBytes,
      racingPuts: 'one succeeds',
    }
    const sharedByProcesses = new URL(this.#place.url).protocol !== 'mem:'
    return sharedByProcesses ? { ...subject, place: (backend) => this.#placeOf(backend) } : subject
  }

  /** Deletes all objects and all unfinished work. */
  async clear(): Promise<void> {
    await this.whole.sweep({ olderThan: 0 })
    const keys: string[] = []
    for await (const { key } of this.whole.list('')) keys.push(key)
    for (let start = 0; start < keys.length; start += batch) {
      const { failed } = await this.whole.delete(keys.slice(start, start + batch))
      if (failed[0] !== undefined) throw failed[0].error
    }
  }

  /** Deletes everything that was created, including local folders. Closes the backend, even after an error. */
  async remove(): Promise<void> {
    try {
      await this.clear()
      const { localRoot } = this.whole.capabilities
      if (localRoot === undefined) return
      await rm(localRoot, { recursive: true, force: true })
      if (this.#createdFolder !== undefined) await removeEmpty(dirname(localRoot), this.#createdFolder)
    } finally {
      await this.whole.close()
    }
  }

  async #open(place: Place): Promise<CheckpointBackend> {
    const backend = await openPlace(place)
    this.#opened.set(backend, place)
    return backend
  }

  #placeOf(backend: CheckpointBackend): Place {
    const place = this.#opened.get(backend)
    if (place === undefined)
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `${backend.url} was not opened by this command. Pass a backend that "open" returned.`,
      )
    return place
  }
}

/** Returns a place one level below another, in the same store and with the same options. */
function below(place: Place, name: string): Place {
  const url = new URL(place.url)
  if (!url.href.startsWith(`${url.protocol}//`)) {
    const path = [url.pathname, name].filter((part) => part !== '').join('-')
    return { ...place, url: `${url.protocol}${path}${url.search}` }
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`
  return { ...place, url: url.href }
}

/** Removes a folder and its parents up to `first`, until one is not empty. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let each = folder; each.startsWith(first); each = dirname(each)) {
    try {
      await rmdir(each)
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(nodeErrorCode(error) ?? '')) return
      throw error
    }
  }
}
