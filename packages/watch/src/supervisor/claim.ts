import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError, isHoldfastError } from '@holdfast/core'
import {
  fromNodeError,
  livenessOf,
  nodeErrorCode,
  processAt,
  type ProcessIdentity,
  thisProcess,
} from '@holdfast/core/backend'
import { type Disk, diskOn } from '../disk.ts'
import { isRecord } from '../formats/json.ts'
import { isProgramRunning } from './process-group.ts'

const claimName = '.holdfast-run.json'

/** No process. */
const nobody: ProcessIdentity = { machine: '', pid: 0, startedAt: 0 }

/** What a supervisor records in the folder while it works there. */
interface ClaimRecord {
  /** Random, so that a supervisor recognises its own claim. */
  readonly id: string
  readonly supervisor: ProcessIdentity
  /** The program that it started last. */
  readonly program: ProcessIdentity | undefined
  /** Whether checkpoints in the folder are being exchanged for the latest one. */
  readonly isRestoring: boolean
}

/** What a supervisor that was killed has left. */
export interface Leftover {
  /** The process id of its program, if that or another process of its group is still running. */
  readonly runningProgram: number | undefined
  /** Whether the program itself is running, not only another process of its group. */
  readonly isProgramAlive: boolean
  /** Its exchange of checkpoints was interrupted. */
  readonly isRestoring: boolean
}

/**
 * The claim of one supervisor to a folder: a file in it that names the supervisor and its program. It keeps a second supervisor
 * away, and shows the next one what a killed supervisor has left.
 */
export class FolderClaim {
  /** What the supervisor before this one has left; `undefined` if it ended in order. */
  readonly leftover: Leftover | undefined
  readonly #folder: string
  readonly #disk: Disk
  #record: ClaimRecord
  /** Whether the file lacks the newest record, because it could not be written. */
  #isBehind = false

  private constructor(folder: string, record: ClaimRecord, leftover: Leftover | undefined, disk: Disk) {
    this.#folder = folder
    this.#disk = disk
    this.#record = record
    this.leftover = leftover
  }

  /** Makes the folder if it is missing. Rejects with `FENCED` if another supervisor works there. */
  static async take(folder: string, disk: Disk = diskOn()): Promise<FolderClaim> {
    return inFolder(folder, async () => {
      await mkdir(folder, { recursive: true })
      const before = await staleClaim(folder)
      // The program of the killed supervisor stays on record until a new one takes its place.
      const record: ClaimRecord = {
        id: randomBytes(6).toString('hex'),
        supervisor: await thisProcess(),
        program: before?.program,
        isRestoring: before?.isRestoring ?? false,
      }
      await (before === undefined ? create(folder, record, disk) : replace(folder, record, disk))
      const leftover = before === undefined ? undefined : await leftoverOf(before)
      return new FolderClaim(folder, record, leftover, disk)
    })
  }

  /**
   * Records the program, so that the next supervisor finds it if this one is killed. If that fails, the program is recorded with the
   * next change of the claim, or by `renew`. Rejects with `FENCED` as `renew` does, and otherwise returns why it failed. It is no
   * failure that the program is deleting the folder at this moment.
   */
  async noteProgram(pid: number): Promise<HoldfastError | undefined> {
    this.#record = { ...this.#record, program: await processAt(pid) }
    this.#isBehind = true
    try {
      await this.renew()
      return undefined
    } catch (error) {
      if (!isHoldfastError(error) || error.code === 'FENCED') throw error
      return error.code === 'NOT_FOUND' ? undefined : error
    }
  }

  /** Whether a change of the claim is not on the disk yet. */
  get isBehind(): boolean {
    return this.#isBehind
  }

  /** Records durably whether checkpoints in the folder are being exchanged. */
  async noteRestoring(isRestoring: boolean): Promise<void> {
    if (this.#record.isRestoring === isRestoring) return
    await inFolder(this.#folder, () => mkdir(this.#folder, { recursive: true }))
    await this.#write({ ...this.#record, isRestoring })
  }

  /**
   * Gives the folder up. An interrupted exchange and a program that still runs stay on record, for the next supervisor. Returns why
   * the claim could not be removed: it ends with this process all the same.
   */
  async release(): Promise<HoldfastError | undefined> {
    try {
      if ((await this.#owner()) !== 'this') return undefined
      const { runningProgram, isRestoring } = await leftoverOf(this.#record)
      if (isRestoring || runningProgram !== undefined)
        await replace(this.#folder, { ...this.#record, supervisor: nobody }, this.#disk)
      else await this.#disk.rm(join(this.#folder, claimName), { force: true })
      return undefined
    } catch (error) {
      return fromNodeError(error, `giving up ${this.#folder}`)
    }
  }

  /**
   * Makes the claim again if the program deleted it, as programs do that empty their folder when they start. Writes what could not be
   * written before. Rejects with `FENCED` if another supervisor works there since.
   */
  async renew(): Promise<void> {
    await inFolder(this.#folder, async () => {
      if (this.#isBehind || (await this.#owner()) !== 'this') await this.#write(this.#record)
    })
  }

  /**
   * Makes the claim again if it was deleted. Rejects with `FENCED` if another supervisor took a stale claim over at the same
   * moment as this one, or claimed the folder after a deletion.
   */
  async #write(record: ClaimRecord): Promise<void> {
    await inFolder(this.#folder, async () => {
      const owner = await this.#owner()
      if (owner === 'another') throw isTaken(this.#folder)
      if (owner === 'this') await replace(this.#folder, record, this.#disk)
      else await create(this.#folder, record, this.#disk)
    })
    this.#record = record
    this.#isBehind = false
  }

  /** Returns whose claim the folder has. */
  async #owner(): Promise<'this' | 'another' | 'nobody'> {
    const text = await readIfThere(join(this.#folder, claimName))
    if (text === undefined) return 'nobody'
    return parseRecord(text).id === this.#record.id ? 'this' : 'another'
  }
}

/** Returns what a supervisor recorded that has ended since. */
async function staleClaim(folder: string): Promise<ClaimRecord | undefined> {
  const text = await readIfThere(join(folder, claimName))
  if (text === undefined) return undefined
  const record = parseRecord(text)
  if ((await livenessOf(record.supervisor)) === 'running') throw isTaken(folder, record.supervisor.pid)
  return record
}

async function create(folder: string, record: ClaimRecord, disk: Disk): Promise<void> {
  try {
    await throughDraft(folder, record, disk, (draft) => disk.link(draft, join(folder, claimName)))
  } catch (error) {
    throw nodeErrorCode(error) === 'EEXIST' ? isTaken(folder) : error
  }
}

async function replace(folder: string, record: ClaimRecord, disk: Disk): Promise<void> {
  await throughDraft(folder, record, disk, (draft) => disk.rename(draft, join(folder, claimName)))
}

/** Writes a record to a new file, gives it its name, and makes both durable. Removes the file if it keeps its first name. */
async function throughDraft(
  folder: string,
  record: ClaimRecord,
  disk: Disk,
  publish: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = join(folder, `${claimName}.${randomBytes(6).toString('hex')}`)
  try {
    await write(draft, record)
    await publish(draft)
    await disk.syncFolder(folder)
  } finally {
    await disk.rm(draft, { force: true })
  }
}

async function write(path: string, record: ClaimRecord): Promise<void> {
  await using file = await open(path, 'wx')
  await file.writeFile(JSON.stringify(record))
  await file.sync()
}

async function leftoverOf({ program, isRestoring }: ClaimRecord): Promise<Leftover> {
  const isRunning = program !== undefined && (await isProgramRunning(program))
  const isProgramAlive = isRunning && (await livenessOf(program)) === 'running'
  return { runningProgram: isRunning ? program.pid : undefined, isProgramAlive, isRestoring }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function inFolder<Value>(folder: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof HoldfastError ? error : fromNodeError(error, `claiming ${folder}`)
  }
}

function isTaken(folder: string, pid?: number): HoldfastError {
  const who = pid === undefined ? 'Another supervisor' : `Another supervisor (process ${pid})`
  return new HoldfastError(
    'FENCED',
    `${who} runs a program in ${folder}. Wait until it ends, stop it, or choose another folder.`,
  )
}

/** A record that is damaged names no process, and nothing is known about an exchange. */
function parseRecord(text: string): ClaimRecord {
  const value = parseJsonOr(text)
  const record = isRecord(value) ? value : {}
  return {
    id: typeof record['id'] === 'string' ? record['id'] : '',
    supervisor: parseIdentity(record['supervisor']) ?? nobody,
    program: parseIdentity(record['program']),
    isRestoring: record['isRestoring'] !== false,
  }
}

function parseJsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (!isRecord(value)) return undefined
  const { machine, pid, startedAt } = value
  return typeof machine === 'string' && typeof pid === 'number' && typeof startedAt === 'number'
    ? { machine, pid, startedAt }
    : undefined
}
