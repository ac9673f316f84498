import { execFile } from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { environmentOf } from './support/open-at.ts'
import { kindsOfStore, type Place } from './support/kinds-of-store.ts'

/** Size of the checkpoint in MiB. `HOLDFAST_TEST_MEBIBYTES` changes it. */
const mebibytes = Number(process.env['HOLDFAST_TEST_MEBIBYTES'] ?? 256)

const allowed = 150 * 2 ** 20

/** What a transfer thread may add. A thread of Node.js that does nothing takes 13 MiB. */
const allowedPerThread = 20 * 2 ** 20
const folder = await mkdtemp(join(tmpdir(), 'holdfast-memory-'))

/** A file as large as the checkpoint. Other threads send files, but not streams of unknown length. */
const file = join(folder, 'file.bin')
await writeFile(file, '')
await truncate(file, mebibytes * 2 ** 20)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Returns the bytes by which a task raises the peak memory of a process that uses `threads`. */
async function memoryGrowth(
  place: Place,
  task: 'save-stream' | 'save-file' | 'restore',
  what: string,
  threads: number,
): Promise<number> {
  const program = join(import.meta.dirname, 'programs/measured-memory.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, place.url, task, what, String(threads)],
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
    expect(await memoryGrowth(place, 'save-stream', String(mebibytes), 1)).toBeLessThan(allowed)
    for (const threads of [1, 2]) {
      const into = join(folder, `${kind.name}-${threads}`.replaceAll('/', '-'))
      const limit = allowed + (threads === 1 ? 0 : threads * allowedPerThread)
      expect(await memoryGrowth(place, 'restore', into, threads)).toBeLessThan(limit)
      expect(await memoryGrowth(kind.place(), 'save-file', file, threads)).toBeLessThan(limit)
    }
  })
})
