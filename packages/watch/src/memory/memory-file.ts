import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import { isRecord } from '../formats/json.ts'
import { type Adopted, Memory } from './memory.ts'

const format = 'holdfast-watch/1'
const marker = 'holdfast.json'

/**
 * Keeps a memory as a file in the watched folder. It lies beside the files that it describes, so it lives exactly as long as
 * they do: a new disk has neither, and a folder that moves takes it along. The store cannot keep it, since a checkpoint
 * that the store drops would take the memory of itself along. One file for each store, named by the store's id, which a
 * store keeps when it moves and does not share with a new one at the same place.
 */
export class MemoryFile {
  readonly #folder: string
  readonly #store: CheckpointStore
  #id: string | undefined

  constructor(store: CheckpointStore, folder: string) {
    this.#store = store
    this.#folder = folder
  }

  /** Empty for a store that does not exist yet, and if the file is missing or damaged. */
  async read(signal: AbortSignal | undefined): Promise<Memory> {
    const path = await this.#path(signal)
    if (path === undefined) return new Memory()
    try {
      return new Memory(parseMemory(await readFile(path, 'utf8')))
    } catch (error) {
      if (nodeErrorCode(error) === 'ENOENT') return new Memory()
      throw fromNodeError(error, `reading ${path}`)
    }
  }

  /** Returns false if the folder cannot be written to. */
  async write(memory: Memory, signal: AbortSignal | undefined): Promise<boolean> {
    const path = await this.#path(signal)
    if (path === undefined) return true
    const temporary = `${path}.${process.pid}.tmp`
    try {
      await writeFile(temporary, `${JSON.stringify({ format, adopted: memory.all })}\n`, { flush: true })
      await rename(temporary, path)
      return true
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined) // the first failure says more
      if (['EROFS', 'EACCES', 'EPERM', 'ENOENT'].includes(nodeErrorCode(error) ?? '')) return false
      throw fromNodeError(error, `writing ${path}`)
    }
  }

  async #path(signal: AbortSignal | undefined): Promise<string | undefined> {
    this.#id ??= await storeId(this.#store, signal)
    return this.#id === undefined ? undefined : join(this.#folder, `.holdfast-watch-${this.#id}.json`)
  }
}

/** The id in the store's marker, as docs/format.md describes it; `undefined` before the first save. */
async function storeId(store: CheckpointStore, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const { body } = await store.backend.read(marker, { signal })
    const document: unknown = JSON.parse(await new Response(body).text())
    const found = isRecord(document) && isRecord(document['marker']) ? document['marker']['id'] : undefined
    return typeof found === 'string' && /^[\w-]+$/.test(found) ? found : undefined
  } catch (error) {
    // Without an id nothing is remembered, and the store itself shows what it lists.
    if (isHoldfastError(error, 'NOT_FOUND') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** A line that does not parse costs one reading of the files that it was about. */
function parseMemory(text: string): readonly Adopted[] {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
  if (!isRecord(document) || document['format'] !== format || !Array.isArray(document['adopted'])) return []
  return document['adopted'].flatMap((entry: unknown) => parseAdopted(entry) ?? [])
}

function parseAdopted(entry: unknown): Adopted | undefined {
  if (!isRecord(entry)) return undefined
  const { name, step, layout, digest, fingerprint, marker: last } = entry
  if (typeof name !== 'string' || typeof digest !== 'string' || typeof fingerprint !== 'string')
    return undefined
  if (typeof step !== 'number' || !Number.isSafeInteger(step)) return undefined
  const isNumbered = entry['isNumbered'] !== false
  if (typeof layout !== 'string') return undefined
  return {
    name,
    step,
    layout,
    isNumbered,
    digest,
    fingerprint,
    marker: typeof last === 'string' ? last : undefined,
  }
}
