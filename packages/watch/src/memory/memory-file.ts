import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import { diskOn } from '../disk.ts'
import { isRecord } from '../formats/json.ts'
import { type Adopted, Memory } from './memory.ts'
import type { Seal } from './seal.ts'

const marker = 'holdfast.json'

/** One line of the file. */
type Line = Adopted | { readonly forgotten: string }

/** The number of lines about forgotten checkpoints above which the file is rewritten. */
const maxStaleLines = 2000

/**
 * Keeps a memory as a file in the watched folder. It lies beside the files that it describes, so it lives exactly as long as
 * they do: a new disk has neither, and a folder that moves takes it along. The store cannot keep it, since a checkpoint
 * that the store drops would take the memory of itself along. One file for each store, named by the store's id, which a
 * store keeps when it moves and does not share with a new one at the same place.
 *
 * A line of JSON for each adoption, or for a checkpoint that is forgotten; a later line about the same checkpoint replaces an
 * earlier one.
 */
export class MemoryFile {
  readonly #folder: string
  readonly #store: CheckpointStore
  #id: string | undefined

  constructor(store: CheckpointStore, folder: string) {
    this.#store = store
    this.#folder = folder
  }

  /** Empty if the store does not exist yet or the file is missing. Skips damaged lines. */
  async read(signal: AbortSignal | undefined): Promise<Memory> {
    const path = await this.#path(signal)
    if (path === undefined) return new Memory()
    try {
      const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
      const memory = new Memory()
      for (const line of lines) {
        const entry = parseLine(line)
        if (entry === undefined) continue
        if ('forgotten' in entry) memory.remove(entry.forgotten)
        else memory.add(entry)
      }
      if (lines.length > memory.all.length + maxStaleLines) await this.#rewrite(path, memory)
      return memory
    } catch (error) {
      if (nodeErrorCode(error) === 'ENOENT') return new Memory()
      throw fromNodeError(error, `reading ${path}`)
    }
  }

  /** Returns false if the folder cannot be written to. */
  async add(adopted: Adopted, signal: AbortSignal | undefined): Promise<boolean> {
    return this.#append(adopted, signal)
  }

  /** Returns false if the folder cannot be written to. */
  async forget(name: string, signal: AbortSignal | undefined): Promise<boolean> {
    return this.#append({ forgotten: name }, signal)
  }

  async #append(line: Line, signal: AbortSignal | undefined): Promise<boolean> {
    const path = await this.#path(signal)
    if (path === undefined) return true
    try {
      // The line break comes first, so that a line that a crash truncated does not damage this one.
      await appendFile(path, `\n${JSON.stringify(line)}`)
      return true
    } catch (error) {
      if (isReadOnly(error)) return false
      throw fromNodeError(error, `writing ${path}`)
    }
  }

  async #rewrite(path: string, memory: Memory): Promise<void> {
    const temporary = `${path}.${process.pid}.tmp`
    try {
      await writeFile(temporary, memory.all.map((entry) => `\n${JSON.stringify(entry)}`).join(''), {
        flush: true,
      })
      await diskOn().rename(temporary, path)
    } catch (error) {
      if (!isReadOnly(error)) throw fromNodeError(error, `writing ${path}`)
    }
  }

  async #path(signal: AbortSignal | undefined): Promise<string | undefined> {
    this.#id ??= await storeId(this.#store, signal)
    return this.#id === undefined ? undefined : join(this.#folder, `.holdfast-watch-${this.#id}.jsonl`)
  }
}

/** Returns the id in the marker of the store, as docs/format.md describes it; `undefined` before the first save. */
async function storeId(store: CheckpointStore, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const { body } = await store.backend.read(marker, { signal })
    const document: unknown = JSON.parse(await new Response(body).text())
    const found = isRecord(document) && isRecord(document['marker']) ? document['marker']['id'] : undefined
    return typeof found === 'string' && /^[\w-]+$/.test(found) ? found : undefined
  } catch (error) {
    // Without an id nothing is remembered. The store still lists its checkpoints.
    if (isHoldfastError(error, 'NOT_FOUND') || error instanceof SyntaxError) return undefined
    throw error
  }
}

function isReadOnly(error: unknown): boolean {
  return ['EROFS', 'EACCES', 'EPERM', 'ENOENT'].includes(nodeErrorCode(error) ?? '')
}

/** A line that does not parse only causes its files to be read once more. */
function parseLine(line: string): Line | undefined {
  try {
    return parseEntry(JSON.parse(line))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function parseEntry(entry: unknown): Line | undefined {
  if (!isRecord(entry)) return undefined
  if (typeof entry['forgotten'] === 'string') return { forgotten: entry['forgotten'] }
  const { name, step, layout, digest, fingerprint } = entry
  if (typeof name !== 'string' || typeof digest !== 'string' || typeof fingerprint !== 'string')
    return undefined
  if (typeof step !== 'number' || !Number.isSafeInteger(step)) return undefined
  const isNumbered = entry['isNumbered'] !== false
  if (typeof layout !== 'string') return undefined
  return { name, step, layout, isNumbered, digest, fingerprint, seal: parseSeal(entry['seal']) }
}

function parseSeal(value: unknown): Seal | undefined {
  if (!isRecord(value) || !isRecord(value['files'])) return undefined
  const { marker: last } = value
  if (last !== undefined && typeof last !== 'string') return undefined
  const files = Object.entries(value['files']).filter(
    (file): file is [string, string] => typeof file[1] === 'string',
  )
  return { marker: last, files: Object.fromEntries(files) }
}
