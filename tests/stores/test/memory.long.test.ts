import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { environmentOf } from './open.ts'
import { kindsOfStore, type Place } from './stores.ts'

/** Size of the checkpoint in MiB. `HOLDFAST_TEST_MEBIBYTES` changes it. */
const mebibytes = Number(process.env['HOLDFAST_TEST_MEBIBYTES'] ?? 256)

const mebibyte = 2 ** 20

/** Several files in turn take more on Azure (211 MiB were measured), since Node.js frees the blocks of ended files late. */
function allowedOn(kind: string, files: number): number {
  return (files > 1 && kind.includes('Azurite') ? 260 : 150) * mebibyte
}

/** What a receiving thread may add. A thread of Node.js that does nothing takes 13 MiB. */
const allowedPerThread = 20 * 2 ** 20
const folder = await mkdtemp(join(tmpdir(), 'holdfast-memory-'))

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/**
 * Returns the bytes by which a save of `files` raises the peak memory of a process. With `into`, measures a restore instead, for
 * which the process uses `threads`.
 */
async function memoryGrowth(place: Place, files: number, into = '', threads = 1): Promise<number> {
  const worker = join(import.meta.dirname, 'worker.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [worker, place.url, 'memory', String(mebibytes), String(files), into, String(threads)],
    { env: environmentOf(place) },
  )
  return Number(stdout)
}

/** The memory is that of this client, so one server of each kind is enough. */
const kinds = (await kindsOfStore()).filter(({ name }) => /disk|emulator|Azurite/.test(name))

describe.each(kinds)('memory on $name', (kind) => {
  const title = `grows by less than its limit, and 20 MiB for each thread, while ${mebibytes} MiB in %d files are saved, restored and verified`

  test.each([1, 8])(title, { timeout: 300_000 + mebibytes * 5_000 }, async (files) => {
    const place = kind.place()
    const allowed = allowedOn(kind.name, files)
    expect(await memoryGrowth(place, files)).toBeLessThan(allowed)
    // Node.js frees the memory that threads filled only later, so several files can take more than one.
    for (const threads of files === 1 ? [1, 2] : [1]) {
      const into = join(folder, `${kind.name}-${files}-${threads}`.replaceAll('/', '-'))
      const ofThreads = threads === 1 ? 0 : threads * allowedPerThread
      expect(await memoryGrowth(place, files, into, threads)).toBeLessThan(allowed + ofThreads)
    }
  })
})
