import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { environmentOf } from './open.ts'
import { kindsOfStore, type Place } from './stores.ts'

/** More by `HOLDFAST_TEST_MEBIBYTES`. The server for Google Cloud Storage keeps objects in memory and slows down. */
const mebibytes = Number(process.env['HOLDFAST_TEST_MEBIBYTES'] ?? 256)

const allowed = 150 * 2 ** 20
const folder = await mkdtemp(join(tmpdir(), 'holdfast-memory-'))

afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** By how many bytes a save raises the peak of a process's memory; or a restore, where it is given a folder. */
async function risen(place: Place, into = ''): Promise<number> {
  const worker = join(import.meta.dirname, 'worker.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [worker, place.url, 'memory', String(mebibytes), into],
    { env: environmentOf(place) },
  )
  return Number(stdout)
}

describe.each(await kindsOfStore())('memory on $name', (kind) => {
  test(`${mebibytes} MiB go up and come back identical within 150 MiB above an idle process`, async () => {
    const place = kind.place()
    expect(await risen(place)).toBeLessThan(allowed)
    expect(await risen(place, join(folder, kind.name.replaceAll('/', '-')))).toBeLessThan(allowed)
  })
})
