import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  livenessOf,
  makeFolders,
  nodeErrorCode,
  numberFieldOf,
  type ProcessIdentity,
  stringFieldOf,
  thisProcess,
} from '@holdfast/core/backend'
import { uploadsFolder } from './uploads-folder.ts'

/** Milliseconds. Sessions end after a week: https://cloud.google.com/storage/docs/resumable-uploads#session-uris. */
const oneWeek = 7 * 24 * 3600 * 1000

const othersMayDoAnything = 0o077

/** The files that uploads of this process use. */
const inUse = new Set<string>()

/**
 * Remembers on this machine the session of an upload, so that a later process can continue it. Whoever knows the address of a
 * session can upload with it, so the file is readable by this user only, and its content never gets into the store:
 * https://cloud.google.com/storage/docs/resumable-uploads#session-uris.
 */
export class SessionFile {
  readonly #path: string
  #isForgotten = false

  private constructor(path: string) {
    this.#path = path
  }

  /**
   * Returns the file of an upload, which `identity` names, and the session in it. Returns `undefined` if this user has no
   * private folder for it, or if a running process uses it. The upload then leaves nothing to continue.
   */
  static async claim(
    identity: string,
    environment: NodeJS.ProcessEnv,
  ): Promise<{ readonly file: SessionFile; readonly session: string | undefined } | undefined> {
    const folder = await privateFolder(environment)
    if (folder === undefined) return undefined
    const path = join(folder, createHash('sha256').update(identity).digest('hex'))
    if (inUse.has(path)) return undefined
    inUse.add(path)
    try {
      await removeExpired(folder)
      const known = await readSession(path)
      if (known?.owner !== undefined && (await isUsed(known.owner))) {
        inUse.delete(path)
        return undefined
      }
      return { file: new SessionFile(path), session: known?.session }
    } catch (error) {
      inUse.delete(path)
      throw error
    }
  }

  /** Records a session that this process uses. Without space on the disk, nothing is recorded. */
  async remember(session: string): Promise<void> {
    await this.#write({ session, owner: await thisProcess() })
  }

  /** Leaves the session to any later upload, unless it was forgotten. */
  async leave(session: string): Promise<void> {
    if (this.#isForgotten) return
    await this.#write({ session, owner: undefined })
    inUse.delete(this.#path)
  }

  /** Forgets a session that has ended. */
  async forget(): Promise<void> {
    this.#isForgotten = true
    await ignoringFileErrors(() => rm(this.#path, { force: true }))
    inUse.delete(this.#path)
  }

  async #write(content: KnownSession): Promise<void> {
    const draft = `${this.#path}.${randomBytes(4).toString('hex')}`
    await ignoringFileErrors(async () => {
      await writeFile(draft, JSON.stringify(content), { mode: 0o600, flag: 'wx' })
      await rename(draft, this.#path)
    })
  }
}

interface KnownSession {
  readonly session: string
  /** The process that uses the session. */
  readonly owner: ProcessIdentity | undefined
}

/**
 * Whether another process of this machine uses a session now. If nothing is known of the process, such as after a reboot, the
 * session is continued. Two processes may then send the same bytes, of which the store ignores those that it holds.
 */
async function isUsed(owner: ProcessIdentity): Promise<boolean> {
  const own = await thisProcess()
  if (owner.machine === own.machine && owner.pid === own.pid && owner.startedAt === own.startedAt)
    return false
  return (await livenessOf(owner)) === 'running'
}

/** A file that is damaged, or that another user may have written, counts as absent. */
async function readSession(path: string): Promise<KnownSession | undefined> {
  const text = await ignoringFileErrors(async () =>
    (await isPrivate(path)) ? await readFile(path, 'utf8') : undefined,
  )
  if (text === undefined) return undefined
  const content = jsonOf(text)
  const session = stringFieldOf(content, 'session')
  if (session === undefined || !URL.canParse(session)) return undefined
  return { session, owner: ownerIn(content) }
}

function ownerIn(content: unknown): ProcessIdentity | undefined {
  const owner =
    typeof content === 'object' && content !== null && 'owner' in content ? content.owner : undefined
  const machine = stringFieldOf(owner, 'machine')
  const pid = numberFieldOf(owner, 'pid')
  const startedAt = numberFieldOf(owner, 'startedAt')
  return machine === undefined || pid === undefined || startedAt === undefined
    ? undefined
    : { machine, pid, startedAt }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Creates the folder for uploads. Returns `undefined` if it cannot be created, or if others can read or write it. */
async function privateFolder(environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  const folder = uploadsFolder(environment)
  if (folder === undefined) return undefined
  return ignoringFileErrors(async () => {
    await makeFolders({ mkdir, stat }, folder, [], 0o700)
    return (await isPrivate(folder)) ? folder : undefined
  })
}

async function isPrivate(path: string): Promise<boolean> {
  const user = process.geteuid?.()
  // On Windows other users cannot write to this folder.
  if (user === undefined) return true
  const stats = await lstat(path)
  return stats.uid === user && (stats.mode & othersMayDoAnything) === 0 && !stats.isSymbolicLink()
}

async function removeExpired(folder: string): Promise<void> {
  for (const name of (await ignoringFileErrors(() => readdir(folder))) ?? []) {
    const path = join(folder, name)
    await ignoringFileErrors(async () => {
      if (Date.now() - (await lstat(path)).mtimeMs > oneWeek) await rm(path, { force: true })
    })
  }
}

/** An upload must not fail because this machine cannot remember its session. */
async function ignoringFileErrors<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    if (nodeErrorCode(error) === undefined) throw error
    return undefined
  }
}
