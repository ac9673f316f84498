/**
 * A process that uses a store. Its arguments are the URL and a task:
 *
 * - `shared NAME COUNT` saves COUNT steps in shared mode. NAME is a number that makes the steps of each worker unique.
 * - `uploads MIB` saves files of MIB mebibytes until the process is killed, and reports its progress.
 * - `save-stream MIB THREADS` saves a stream of MIB mebibytes, and prints by how many bytes the peak memory grew.
 * - `save-file FILE THREADS` and `restore FOLDER THREADS` do the same for a file, and for a restore into FOLDER.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import type { UploadMessage } from '../support/upload-message.ts'

const [, , url = '', job = '', first = '', second = '1'] = process.argv

if (job === 'shared') await shared(Number(first), Number(second))
else if (job === 'uploads') await uploads(Number(first))
else if (job === 'save-stream') await growing(Number(second), save(randomStream(Number(first))))
else if (job === 'save-file') await growing(Number(second), save(first))
else if (job === 'restore') await growing(Number(second), restoreInto(first))

async function shared(worker: number, count: number): Promise<void> {
  await using store = await openStore(url, { mode: 'shared' })
  for (let index = 0; index < count; index += 1) {
    const step = index * 100 + worker
    await store.save({ step, files: { 'model.bin': Buffer.from(`${worker} ${index}`) } })
    await send(step)
  }
}

async function uploads(mebibytes: number): Promise<void> {
  await using store = await openStore(url, { mode: 'shared', gracePeriod: 0 })
  const newest = await store.latest()
  for (let step = (newest?.step ?? 0) + 1; ; step += 1) {
    const written = async (share: number): Promise<void> => send({ kind: 'written', share })
    await store.save({ step, files: { 'model.bin': randomStream(mebibytes, written) } })
    await send({ kind: 'saved', step })
  }
}

type Task = (store: CheckpointStore) => Promise<void>

/** Runs a task, and prints by how many bytes the peak memory grew. */
async function growing(threads: number, task: Task): Promise<void> {
  const idle = peakBytes()
  await using store = await openStore(url, { mode: 'shared', threads })
  await task(store)
  process.stdout.write(String(peakBytes() - idle))
}

function save(source: string | AsyncIterable<Uint8Array>): Task {
  return async (store) => {
    await store.save({ step: 1, files: { 'model.bin': source } })
  }
}

function restoreInto(folder: string): Task {
  return async (store) => {
    await store.restore('latest', { to: join(folder, 'out') })
    if (!(await store.verify()).good) throw new Error('The store does not verify after the restore')
  }
}

/**
 * Returns the peak of resident memory in bytes. On Linux, `VmHWM` is used, because `maxRSS` includes the peak of the
 * parent process (https://man7.org/linux/man-pages/man2/getrusage.2.html).
 */
function peakBytes(): number {
  const status = '/proc/self/status'
  const peak = existsSync(status) ? /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1] : undefined
  return 1024 * (peak === undefined ? process.resourceUsage().maxRSS : Number(peak))
}

/** Yields random bytes, as a stream of unknown length. Reports which share of them is taken. */
async function* randomStream(
  mebibytes: number,
  onTaken: (share: number) => Promise<void> = async () => undefined,
): AsyncGenerator<Uint8Array> {
  const mebibyte = randomBytes(2 ** 20)
  for (let sent = 0; sent < mebibytes; sent += 1) {
    mebibyte.writeUInt32LE(sent)
    yield mebibyte
    await onTaken((sent + 1) / mebibytes)
  }
}

async function send(message: number | UploadMessage): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve))
}
