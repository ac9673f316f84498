import { randomBytes } from 'node:crypto'
import { lstat, mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve, sep } from 'node:path'
import { HoldfastError, throwIfAborted } from '../errors.ts'
import { fromNodeError, nodeErrorCode } from '../node-errors.ts'
import { concurrently } from '../async/concurrently.ts'
import { DurableWriter } from './durable-writer.ts'
import { filesAtOnce } from '../async/files-at-once.ts'
import { withSecondLook } from '../async/second-look.ts'

/**
 * A file to deliver: its name below the destination, its size, and how to open its proved bytes. A chunk may be used
 * until the one after it has been used, too.
 */
export interface Delivery {
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Permission bits that the file gets, less those that the umask denies. Default: those of any new file. */
  readonly mode?: number | undefined
  /** May be called again when what it gave was corrupt. */
  readonly open: (signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>
}

export interface DeliveryOptions {
  readonly signal: AbortSignal | undefined
  /** Called with the bytes delivered so far, of all files. */
  readonly onProgress: ((bytes: number) => void) | undefined
}

/** Delivers files to a destination, and gives the path of each. */
export type Deliver = (
  destination: string,
  deliveries: readonly Delivery[],
  options: DeliveryOptions,
) => Promise<readonly string[]>

/** Small files that are written at once at most, and files that take their places. */
const smallFilesAtOnce = 16
const waitingPrefix = '.holdfast-restore-'

/**
 * Delivers files into a folder, which is made if need be. All are first written, proved and made durable in a
 * hidden folder within it, and only then take their places, each by one rename over what was there. What fails
 * before that leaves nothing of them at the destination; a crash amid the renames leaves some files new and
 * others as they were, each of them whole.
 */
export async function deliverToDirectory(
  destination: string,
  deliveries: readonly Delivery[],
  options: DeliveryOptions,
): Promise<readonly string[]> {
  const root = resolve(destination)
  const madeRoot = await effect(`making ${root}`, () => makeFolders(root))
  const waiting = join(root, waitingName())
  try {
    await removeAbandoned(root)
    await effect(`making ${waiting}`, () => mkdir(waiting))
    await writeAll(waiting, deliveries, options)
    throwIfAborted(options.signal, 'The restore')
    const paths = await moveAll(root, waiting, deliveries)
    await rm(waiting, { recursive: true })
    return paths
  } catch (error) {
    await clearAway(waiting, madeRoot === undefined ? undefined : root, error)
    throw error
  }
}

/** What cannot be cleared away must not hide why the restore failed; the next restore tries again. */
async function clearAway(waiting: string, madeRoot: string | undefined, failure: unknown): Promise<void> {
  try {
    await rm(waiting, { recursive: true, force: true })
    if (madeRoot !== undefined) await removeIfEmpty(madeRoot)
  } catch (error) {
    const cause = new AggregateError([failure, error])
    if (!(failure instanceof HoldfastError)) throw cause
    const { code, key, url, message } = failure
    throw new HoldfastError(code, `${message}. Then ${waiting} could not be removed either.`, {
      key,
      url,
      cause,
    })
  }
}

async function writeAll(
  waiting: string,
  deliveries: readonly Delivery[],
  options: DeliveryOptions,
): Promise<void> {
  let delivered = 0
  await concurrently(
    [...deliveries.entries()],
    filesAtOnce(
      deliveries.map(({ size }) => size),
      smallFilesAtOnce,
    ),
    options.signal,
    async ([index, delivery], signal) => {
      const path = join(waiting, String(index))
      let counted = 0
      await withSecondLook(async (look) => {
        if (look === 2) await effect(`removing ${path}`, () => rm(path, { force: true }))
        let written = 0
        await writeDurably(path, delivery.mode, await delivery.open(signal), (bytes) => {
          written += bytes
          delivered += Math.max(0, written - counted)
          counted = Math.max(counted, written)
          options.onProgress?.(delivered)
        })
      })
    },
  )
}

async function writeDurably(
  path: string,
  mode: number | undefined,
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const handle = await effect(`writing ${path}`, () => open(path, 'wx', mode))
  let delivered = 0
  const writer = new DurableWriter(handle, (written) => {
    onBytes(written - delivered)
    delivered = written
  })
  try {
    for await (const chunk of body) await writer.write(chunk)
    await writer.finish()
  } catch (error) {
    throw fromNodeError(error, `writing ${path}`)
  } finally {
    await writer.settle()
    await handle.close()
  }
}

async function moveAll(
  root: string,
  waiting: string,
  deliveries: readonly Delivery[],
): Promise<readonly string[]> {
  const places = deliveries.map(({ name }) => join(root, ...name.split('/')))
  const folders = new Set(places.map((place) => dirname(place)))
  for (const folder of folders) await makeWithin(root, folder)
  await concurrently(places, smallFilesAtOnce, undefined, (place) => refuseFolder(place))
  await concurrently([...places.entries()], smallFilesAtOnce, undefined, ([index, place]) =>
    effect(`putting ${place} in place`, () => rename(join(waiting, String(index)), place)),
  )
  for (const folder of withParents(folders, root)) await syncFolder(folder)
  return places
}

/** Before any file takes its place: a folder in the place of one could not be replaced. */
async function refuseFolder(place: string): Promise<void> {
  try {
    if (!(await lstat(place)).isDirectory()) return
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return
    throw fromNodeError(error, `looking at ${place}`)
  }
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${place} is a folder, and a file is to be restored there. Remove it.`,
  )
}

/** Makes a folder below the root, and refuses one that a link leads out of it. */
async function makeWithin(root: string, folder: string): Promise<void> {
  await effect(`making ${folder}`, () => makeFolders(folder))
  const [realRoot, realFolder] = await Promise.all([realpath(root), realpath(folder)])
  if (realFolder === realRoot || realFolder.startsWith(realRoot + sep)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} is a link that leads out of ${root}. Remove it, or restore elsewhere.`,
  )
}

/**
 * Makes a folder and those above it, and gives the first one that was not there. Node's own `recursive` tries for ever
 * where a file system makes no folders, as that of /proc.
 */
async function makeFolders(folder: string): Promise<string | undefined> {
  if (await isFolder(folder)) return undefined
  const parent = dirname(folder)
  const first = parent === folder ? undefined : await makeFolders(parent)
  try {
    await mkdir(folder)
    return first ?? folder
  } catch (error) {
    if (nodeErrorCode(error) === 'EEXIST' && (await isFolder(folder))) return first // made by another meanwhile
    throw error
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return false
    throw error
  }
}

function withParents(folders: ReadonlySet<string>, root: string): readonly string[] {
  const all = new Set<string>([root])
  for (const folder of folders) {
    for (let each = folder; each !== root && each.startsWith(root); each = dirname(each)) all.add(each)
  }
  return [...all].sort((one, other) => other.length - one.length)
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // Windows has no way to sync a folder
  await effect(`syncing ${folder}`, async () => {
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
}

function waitingName(): string {
  return `${waitingPrefix}${hostname()}-${process.pid}-${randomBytes(6).toString('hex')}`
}

/** Removes what restores left here whose process on this machine is gone. */
async function removeAbandoned(root: string): Promise<void> {
  const prefix = `${waitingPrefix}${hostname()}-`
  for (const name of await effect(`reading ${root}`, () => readdir(root))) {
    const pid = name.startsWith(prefix)
      ? /^(\d+)-[0-9a-f]{12}$/.exec(name.slice(prefix.length))?.[1]
      : undefined
    if (pid !== undefined && !isRunning(Number(pid))) {
      await effect(`removing ${name}`, () => rm(join(root, name), { recursive: true, force: true }))
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return nodeErrorCode(error) === 'EPERM'
  }
}

async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder)
  } catch (error) {
    if (nodeErrorCode(error) !== 'ENOTEMPTY' && nodeErrorCode(error) !== 'ENOENT') throw error
  }
}

async function effect<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw fromNodeError(error, what)
  }
}
