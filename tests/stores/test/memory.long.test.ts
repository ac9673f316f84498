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

const allowed = 150 * 2 ** 20

/** What a receiving thread may add. A thread of Node.js that does nothing takes 13 MiB. */
const allowedPerThread = 20 * 2 ** 20
const folder = await mkdtemp(join(tmpdir(), 'holdfast-memory-'))

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/**
 * Returns the bytes by which a save raises the peak memory of a process. With `into`, measures a restore instead, for which
 * the process uses `threads`.
 */
async function memoryGrowth(place: Place, into = '', threads = 1): Promise<number> {
  const worker = join(import.meta.dirname, 'worker.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [worker, place.url, 'memory', String(mebibytes), into, String(threads)],
    { env: environmentOf(place) },
  )
  return Number(stdout)
}

/** The memory is that of this client, so one server of each kind is enough. */
const kinds = (await kindsOfStore()).filter(({ name }) => /disk|emulator|Azurite/.test(name))

describe.each(kinds)('memory on $name', (kind) => {
  const title = `grows by less than 150 MiB, and 20 MiB for each thread, while ${mebibytes} MiB are saved, restored and verified`

  test(title, { timeout: 300_000 + mebibytes * 5_000 }, async () => {
    const place = kind.place()
    expect(await memoryGrowth(place)).toBeLessThan(allowed)
    for (const threads of [1, 2]) {
      const into = join(folder, `${kind.name}-${threads}`.replaceAll('/', '-'))
      const ofThreads = threads === 1 ? 0 : threads * allowedPerThread
      expect(await memoryGrowth(place, into, threads)).toBeLessThan(allowed + ofThreads)
    }
  })
})
