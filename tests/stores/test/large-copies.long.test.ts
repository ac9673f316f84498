import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyCheckpoints } from '@holdfast/core'
import { startProxy } from '@holdfast/emulators/proxy'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environmentOf, openAt } from './support/open-at.ts'
import { kindsOfStore, type Place } from './support/kinds-of-store.ts'

const size = 2 * 2 ** 30
const isWanted = process.env['HOLDFAST_LARGE_COPIES'] === '1'
const kinds = await kindsOfStore()
const [disk] = kinds
if (disk === undefined) throw new Error('There is no disk.')

/** S3Proxy keeps its objects in memory, and fake-gcs-server resumes wrongly. */
const large = kinds.filter(({ name }) => !/S3Proxy|fake-gcs-server/.test(name))

describe.each(large)('a copy of 2 GiB to $name', (kind) => {
  test(
    'sends at most 15 % again after its process was killed at 90 %',
    { timeout: 2 * 3_600_000 },
    async ({ skip }) => {
      if (!isWanted) skip('it needs 8 GiB of disk and minutes: set HOLDFAST_LARGE_COPIES=1')
      const from = disk.place()
      const source = await openAt(disk, from, { mode: 'shared' })
      onTestFinished(() => source.close())
      await withLargeFile(size, async (path) => {
        await source.save({ step: 1, files: { 'model.bin': { path } } })
      })
      const proxy = kind.endpoint === undefined ? undefined : await startProxy({ target: kind.endpoint })
      onTestFinished(() => proxy?.close())
      const place = kind.place()
      // Both processes use one endpoint, since the name of a session of Google Cloud Storage contains it.
      const to = proxy === undefined ? place : kind.through(place, proxy.url)
      await copyUntilKilled(from, to)
      proxy?.requests.clear()

      const destination = await openAt(kind, to, { mode: 'shared' })
      onTestFinished(() => destination.close())
      const { outcomes } = await copyCheckpoints(source, destination)
      expect(outcomes).toMatchObject([{ kind: 'copied' }])
      const [outcome] = outcomes
      expect(outcome?.kind === 'copied' ? outcome.bytesBefore : 0).toBeGreaterThanOrEqual(0.85 * size)
      const again = [...(proxy?.requests ?? [])].reduce((sum, { requestBytes }) => sum + requestBytes, 0)
      expect(again).toBeLessThanOrEqual(0.15 * size)
      expect((await destination.verify({ quick: true })).good).toBe(true)
    },
  )
})

/** `CopyObject` of S3 copies at most 5 GiB. */
const tooLargeForOneRequest = 5 * 2 ** 30 + 64 * 2 ** 20

/** MinIO gives the parts of a copy no checksum. So an object of more than 5 GiB is read and written there. */
const onS3 = large
  .filter(({ name }) => name.startsWith('s3 '))
  .map((kind) => ({ name: kind.name, kind, isCopiedByService: !kind.name.includes('MinIO') }))

describe.each(onS3)('a copy of more than 5 GiB within $name', ({ kind, isCopiedByService }) => {
  const how = isCopiedByService ? 'no payload passes through' : 'all of it passes through'
  test(`has the same bytes, and ${how} the client`, { timeout: 3_600_000 }, async ({ skip }) => {
    if (!isWanted) skip('it needs 16 GiB of disk and minutes: set HOLDFAST_LARGE_COPIES=1')
    const proxy = await startProxy({ target: kind.endpoint ?? '' })
    onTestFinished(() => proxy.close())
    const from = kind.place()
    const saving = await openAt(kind, from, { mode: 'shared' })
    onTestFinished(() => saving.close())
    await withLargeFile(tooLargeForOneRequest, async (path) => {
      await saving.save({ step: 1, files: { 'model.bin': { path } } })
    })
    const source = await openAt(kind, kind.through(from, proxy.url), { mode: 'shared' })
    onTestFinished(() => source.close())
    const to = kind.place()
    const destination = await openAt(kind, kind.through(to, proxy.url), { mode: 'shared' })
    onTestFinished(() => destination.close())
    const { outcomes } = await copyCheckpoints(source, destination)
    expect(outcomes).toMatchObject([{ kind: 'copied', bytes: tooLargeForOneRequest }])
    const moved = [...proxy.requests].reduce(
      (sum, { requestBytes, answerBytes }) => sum + requestBytes + answerBytes,
      0,
    )
    if (isCopiedByService) expect(moved).toBeLessThan(1_000_000)
    else expect(moved).toBeGreaterThan(2 * tooLargeForOneRequest)
    const reading = await openAt(kind, to, { mode: 'shared' })
    onTestFinished(() => reading.close())
    expect((await reading.verify()).good).toBe(true)
  })
})

async function withLargeFile(bytes: number, use: (path: string) => Promise<void>): Promise<void> {
  const path = join(tmpdir(), `holdfast-large-${process.pid}`)
  const piece = randomBytes(2 ** 20)
  const handle = await open(path, 'w')
  try {
    for (let at = 0; at < bytes; at += piece.byteLength) {
      piece.writeBigUInt64LE(BigInt(at)) // so that no two pieces are equal
      await handle.write(piece)
    }
    await handle.close()
    await use(path)
  } finally {
    await rm(path)
  }
}

/** Copies in another process, which is killed once it has stored 90 %. */
async function copyUntilKilled(from: Place, to: Place): Promise<void> {
  const child = fork(join(import.meta.dirname, 'programs/copy-worker.ts'), [from.url, to.url], {
    env: environmentOf(to),
    execArgv: [],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const [, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  expect(signal).toBe('SIGKILL')
}
