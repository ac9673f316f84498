import { createReadStream } from 'node:fs'
import { appendFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, type HoldfastError, isHoldfastError } from '@holdfast/core'
import { fromNodeError, nodeErrorCode } from '@holdfast/core/backend'
import { diskOn } from '../disk.ts'
import { isRecord } from '../formats/json.ts'
import { type Adopted, type AdoptedBytes, Memory } from './memory.ts'
import type { Seal } from './seal.ts'

const marker = 'holdfast.json'

/** One line of the file. */
export type Line = Adopted | { readonly forgotten: string } | { readonly continued: AdoptedBytes }

/** The size in bytes above which the file is rewritten if half of it is no longer needed. */
const leastLimit = 2 ** 20

/**
 * Keeps a memory as a file in the watched folder. It lies beside the files that it describes, so it lives exactly as long as
 * they do: a new disk has neither, and a folder that moves takes it along. The store cannot keep it, since a checkpoint
 * that the store drops would take the memory of itself along. One file for each store, named by the store's id, which a
 * store keeps when it moves and does not share with a new one at the same place.
 *
 * A line of JSON for each adoption, for a checkpoint that is forgotten, or for the one from which a program continued; a later
 * line about the same checkpoint replaces an earlier one.
 */
export class MemoryFile {
  readonly #folder: string
  readonly #store: CheckpointStore
  #id: string | undefined
  /** Lines that could not be written yet. */
  #unwritten: readonly Line[] = []
  #bytes = 0
  /** The size in bytes above which the file is rewritten. */
  #limit = leastLimit

  constructor(store: CheckpointStore, folder: string) {
    this.#store = store
    this.#folder = folder
  }

  /** Empty if the store does not exist yet or the file is missing. Skips damaged lines. */
  async read(signal: AbortSignal | undefined): Promise<Memory> {
    const path = await this.#path(signal)
    const memory = new Memory()
    if (path === undefined) return memory
    try {
      for await (const line of linesOf(path)) {
        const entry = parseLine(line)
        if (entry !== undefined) apply(memory, entry)
      }
      this.#bytes = (await stat(path)).size
      return memory
    } catch (error) {
      if (nodeErrorCode(error) === 'ENOENT') return new Memory()
      throw fromNodeError(error, `reading ${path}`)
    }
  }

  /**
   * Adds lines. Returns why they could not be written: the checkpoint is saved all the same. They are then written with the
   * next ones.
   */
  async add(lines: readonly Line[], signal: AbortSignal | undefined): Promise<HoldfastError | undefined> {
    this.#unwritten = [...this.#unwritten, ...lines]
    return this.#write(signal)
  }

  /** Writes the lines that could not be written before. Rewrites the file if at least half of it is no longer needed. */
  async tidy(memory: Memory, signal: AbortSignal | undefined): Promise<void> {
    await this.#write(signal)
    if (this.#bytes <= this.#limit) return
    const path = await this.#path(signal)
    if (path === undefined) return
    this.#bytes = (await rewrite(path, memory)) ?? this.#bytes
    this.#limit = Math.max(leastLimit, 2 * this.#bytes)
  }

  async #write(signal: AbortSignal | undefined): Promise<HoldfastError | undefined> {
    if (this.#unwritten.length === 0) return undefined
    const text = this.#unwritten.map(textOf).join('')
    try {
      const path = await this.#path(signal)
      if (path !== undefined) {
        await appendFile(path, text)
        this.#bytes += Buffer.byteLength(text)
      }
    } catch (error) {
      const failure = fromNodeError(error, `recording in ${this.#folder} what was adopted`)
      if (isHoldfastError(failure, 'ABORTED')) throw failure
      return failure
    }
    this.#unwritten = []
    return undefined
  }

  async #path(signal: AbortSignal | undefined): Promise<string | undefined> {
    this.#id ??= await storeId(this.#store, signal)
    return this.#id === undefined ? undefined : join(this.#folder, `.holdfast-watch-${this.#id}.jsonl`)
  }
}

/** The file may be larger than the longest string. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  yield rest
}

function apply(memory: Memory, line: Line): void {
  if ('forgotten' in line) memory.remove(line.forgotten)
  else if ('continued' in line) memory.continueFrom(line.continued)
  else memory.add(line)
}

/** The line break comes first, so that a line that a crash truncated does not damage this one. */
function textOf(line: Line): string {
  return `\n${JSON.stringify(line)}`
}

/** Replaces the file by what the memory needs. Returns its size; `undefined` if it could not be replaced. */
async function rewrite(path: string, { all, last }: Memory): Promise<number | undefined> {
  const temporary = `${path}.${process.pid}.tmp`
  const lines: readonly Line[] = last === undefined ? all : [...all, { continued: last }]
  const texts = lines.map(textOf)
  try {
    await writeFile(temporary, texts, { flush: true })
    await diskOn().rename(temporary, path)
    return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  } catch (error) {
    // The file is only larger than necessary.
    if (nodeErrorCode(error) === undefined) throw error
    await removeIfPossible(temporary)
    return undefined
  }
}

/** A leftover only takes space until the next time that the file is rewritten. */
async function removeIfPossible(path: string): Promise<void> {
  try {
    await rm(path, { force: true })
  } catch (error) {
    if (nodeErrorCode(error) === undefined) throw error
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
  if (isRecord(entry['continued'])) return parseContinued(entry['continued'])
  const { name, step, layout, digest, fingerprint } = entry
  if (typeof name !== 'string' || typeof digest !== 'string' || typeof fingerprint !== 'string')
    return undefined
  if (typeof step !== 'number' || !Number.isSafeInteger(step)) return undefined
  const isNumbered = entry['isNumbered'] !== false
  if (typeof layout !== 'string') return undefined
  const modifiedAt = typeof entry['modifiedAt'] === 'number' ? entry['modifiedAt'] : undefined
  const seal = parseSeal(entry['seal'])
  return { name, step, layout, isNumbered, digest, fingerprint, modifiedAt, seal }
}

function parseContinued({ step, digest }: Readonly<Record<string, unknown>>): Line | undefined {
  if (typeof step !== 'number' || !Number.isSafeInteger(step) || typeof digest !== 'string') return undefined
  return { continued: { step, digest } }
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
