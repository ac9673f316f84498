import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { environmentOf } from './open.ts'
import { kindsOfStore } from './stores.ts'

/** More by `HOLDFAST_TEST_MEBIBYTES`. The server for Google Cloud Storage keeps objects in memory and slows down. */
const mebibytes = Number(process.env['HOLDFAST_TEST_MEBIBYTES'] ?? 256)

const allowed = 150 * 2 ** 20
const folder = await mkdtemp(join(tmpdir(), 'holdfast-memory-'))

afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe.each(await kindsOfStore())('memory on $name', (kind) => {
  test(`${mebibytes} MiB go up and come back identical within 150 MiB above an idle process`, async () => {
    const place = kind.place()
    const worker = join(import.meta.dirname, 'worker.ts')
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [worker, place.url, 'memory', String(mebibytes), join(folder, kind.name.replaceAll('/', '-'))],
      { env: environmentOf(place) },
    )
    const { good, risen } = JSON.parse(stdout) as { readonly good: boolean; readonly risen: number }
    expect(good).toBe(true)
    expect(risen).toBeLessThan(allowed)
  })
})
