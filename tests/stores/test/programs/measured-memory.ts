/**
 * Prints by how many bytes a task raises the peak memory of this process. The arguments are the URL of a store, the task, and the
 * number of threads:
 *
 * - `save-stream MIB THREADS` saves a stream of MIB mebibytes.
 * - `save-file FILE THREADS` saves a file.
 * - `restore FOLDER THREADS` restores the latest checkpoint into FOLDER.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import { randomStream } from '../support/random-stream.ts'

const [, , url = '', name = '', what = '', threads = '1'] = process.argv

if (name === 'save-stream') await growing(save(randomStream(Number(what))))
else if (name === 'save-file') await growing(save(what))
else if (name === 'restore') await growing(restoreInto(what))

type Task = (store: CheckpointStore) => Promise<void>

/** Runs a task, and prints by how many bytes the peak memory grew. */
async function growing(task: Task): Promise<void> {
  const idle = peakBytes()
  await using store = await openStore(url, { mode: 'shared', threads: Number(threads) })
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
