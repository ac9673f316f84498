import { mkdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type CheckpointBackend, HoldfastError, nodeErrorCode } from '@holdfast/core/backend'
import { openPlace, type Place } from '../place.ts'
import type { Subject } from '../subject.ts'

/** Keys that one call deletes. */
const batch = 1000

/** A new place below one that the user gave, where every case gets a place of its own. Nothing else is touched. */
export class Workplace {
  /** A backend on the whole of it. */
  readonly whole: CheckpointBackend
  readonly #place: Place
  /** The first folder that was made for it, when its objects are files of this machine. */
  readonly #madeFolder: string | undefined
  readonly #opened = new WeakMap<CheckpointBackend, Place>()
  #count = 0

  private constructor(place: Place, whole: CheckpointBackend, madeFolder: string | undefined) {
    this.whole = whole
    this.#place = place
    this.#madeFolder = madeFolder
  }

  /** Rejects when the store cannot be reached, does not let us in, or holds something there already. */
  static async make(given: Place, name: string): Promise<Workplace> {
    const place = below(given, name)
    const whole = await openPlace(place)
    try {
      for await (const { key } of whole.list('', { limit: 1 }))
        throw new HoldfastError('ALREADY_EXISTS', `${whole.url} is not new: ${key} is there.`, { key })
      const { localRoot } = whole.capabilities
      const madeFolder = localRoot === undefined ? undefined : await mkdir(localRoot, { recursive: true })
      return new Workplace(place, whole, madeFolder)
    } catch (error) {
      await whole.close()
      throw error
    }
  }

  /** Of overlapping puts one at least succeeds: more the port does not ask. */
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

  /** Removes all objects, and all unfinished work. */
  async clear(): Promise<void> {
    await this.whole.sweep({ olderThan: 0 })
    const keys: string[] = []
    for await (const { key } of this.whole.list('')) keys.push(key)
    for (let start = 0; start < keys.length; start += batch) {
      const { failed } = await this.whole.delete(keys.slice(start, start + batch))
      if (failed[0] !== undefined) throw failed[0].error
    }
  }

  /** Removes everything that was made, folders too, and closes the backend also when that fails. */
  async remove(): Promise<void> {
    try {
      await this.clear()
      const { localRoot } = this.whole.capabilities
      if (localRoot === undefined) return
      await rm(localRoot, { recursive: true, force: true })
      if (this.#madeFolder !== undefined) await removeEmpty(dirname(localRoot), this.#madeFolder)
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
      throw new HoldfastError('INVALID_ARGUMENT', `${backend.url} was not opened here.`)
    return place
  }
}

/** The same store with the same options, deeper by one name. */
function below(place: Place, name: string): Place {
  const url = new URL(place.url)
  if (!url.href.startsWith(`${url.protocol}//`)) {
    const path = [url.pathname, name].filter((part) => part !== '').join('-')
    return { ...place, url: `${url.protocol}${path}${url.search}` }
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${name}`
  return { ...place, url: url.href }
}

/** Removes a folder and those above it, up to the first that was made, as long as they are empty. */
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
