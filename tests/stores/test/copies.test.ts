import { randomBytes } from 'node:crypto'
import { CheckpointStore, copyCheckpoints, isHoldfastError } from '@holdfast/core'
import { type FaultPlan, type Proxy, startProxy } from '@holdfast/emulators/proxy'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openAt, openBackendAt } from './support/open-at.ts'
import { type KindOfStore, kindsOfStore, type Place } from './support/kinds-of-store.ts'

const kinds = await kindsOfStore()
const [disk] = kinds
if (disk === undefined) throw new Error('There is no disk.')

async function sharedAt(kind: KindOfStore, place: Place): Promise<CheckpointStore> {
  const store = await openAt(kind, place, { mode: 'shared' })
  onTestFinished(() => store.close())
  return store
}

/** Starts a proxy. Created before the stores that use it, it is closed after them. */
async function proxyTo({ endpoint }: KindOfStore, plan: FaultPlan = () => undefined): Promise<Proxy> {
  const proxy = await startProxy({ target: endpoint ?? '', plan })
  onTestFinished(() => proxy.close())
  return proxy
}

describe.each(kinds)('copies on $name', (kind) => {
  test('arrive from a disk, from each other, and come back with the same bytes', async () => {
    const [from, first, second, back] = await Promise.all([
      sharedAt(disk, disk.place()),
      sharedAt(kind, kind.place()),
      sharedAt(kind, kind.place()),
      sharedAt(disk, disk.place()),
    ])
    const files = {
      'model.bin': randomBytes(200_000),
      'sub/log.txt': Buffer.from('log'),
      empty: Buffer.alloc(0),
    }
    await from.save({ step: 1, files: { 'large.bin': randomBytes(kind.partBytes + 1000) } })
    await from.save({ step: 2, files, metrics: { loss: 2 }, metadata: { lr: 0.1 } })
    const way = [from, first, second, back] as const
    for (const [index, store] of way.slice(1).entries()) {
      const { outcomes } = await copyCheckpoints(way[index] ?? from, store)
      expect(outcomes).toMatchObject([
        { kind: 'copied', step: 1 },
        { kind: 'copied', step: 2 },
      ])
      expect((await store.verify()).good).toBe(true)
      expect((await store.latest())?.step).toBe(2)
      const again = await copyCheckpoints(from, store)
      expect(again.outcomes).toMatchObject([{ kind: 'there' }, { kind: 'there' }])
    }
    const [original, returned] = [await from.get(2), await back.get(2)]
    expect(returned).toEqual({ ...original, files: returned?.files })
    expect(returned?.files.map(({ sha256 }) => sha256)).toEqual(original?.files.map(({ sha256 }) => sha256))
  })

  test('are one checkpoint if several copiers run at once', async () => {
    const from = await sharedAt(disk, disk.place())
    const files = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`${index}`, randomBytes(20_000)]),
    )
    files['large.bin'] = randomBytes(2 * kind.partBytes + 1000)
    await from.save({ step: 1, files })
    const place = kind.place()
    const copiers = await Promise.all([0, 1, 2].map(() => sharedAt(kind, place)))
    const reports = await Promise.all(copiers.map((store) => copyCheckpoints(from, store)))
    for (const { outcomes } of reports) expect(['copied', 'there']).toContain(outcomes[0]?.kind)
    const [store] = copiers
    await Promise.all(copiers.map((each) => each.flush()))
    expect(await store?.list()).toHaveLength(1)
    expect((await store?.verify())?.good).toBe(true)
  })
})

/** One server of each kind is enough, since the copy counts whole files. */
const onNetwork = kinds.filter(({ name }) => /emulator|Azurite/.test(name))

describe.each(onNetwork)('a copy of 100 files to $name', (kind) => {
  test('sends at most 15 % again if it is interrupted at 90 %', async () => {
    const fileBytes = 50_000
    const from = await sharedAt(disk, disk.place())
    const files = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`shard-${index}`, randomBytes(fileBytes)]),
    )
    await from.save({ step: 1, files })
    let stored = 0
    const proxy = await proxyTo(kind, ({ headers }) => {
      // No document is as large as a file.
      if (!(Number(headers['content-length']) >= fileBytes)) return undefined
      stored += 1
      return stored > 90 ? { kind: 'reset' } : undefined
    })
    const place = kind.place()
    const through = kind.through(place, proxy.url)
    const impatient = await openBackendAt(kind, through, { attempts: 1, minDelay: 1, maxDelay: 1 })
    const broken = new CheckpointStore(impatient, { mode: 'shared' })
    let failure: unknown
    await copyCheckpoints(from, broken).catch((error: unknown) => (failure = error))
    expect(isHoldfastError(failure, 'UNAVAILABLE')).toBe(true)
    await broken.close()
    const direct = await sharedAt(kind, place)
    const counting = await proxyTo(kind)
    const store = await sharedAt(kind, kind.through(place, counting.url))
    const { outcomes } = await copyCheckpoints(from, store)
    expect(outcomes).toMatchObject([{ kind: 'copied' }])
    const sent = [...counting.requests].reduce((sum, { requestBytes }) => sum + requestBytes, 0)
    expect(sent).toBeLessThanOrEqual(0.15 * 100 * fileBytes)
    expect((await direct.verify()).good).toBe(true)
  })
})

/** Parts of the file, so that a copy that ends with the last but one has sent 90 %. */
const parts = 10

describe.each(onNetwork)('a copy of one large file to $name', (kind) => {
  test('sends at most 15 % again if it is interrupted at 90 %', async () => {
    const size = parts * kind.partBytes
    const from = await sharedAt(disk, disk.place())
    await from.save({ step: 1, files: { 'model.bin': randomBytes(size) } })
    let isBroken = true
    let sent = 0
    const proxy = await proxyTo(kind, ({ headers }) => {
      // No document is as large as a part.
      const bytes = Number(headers['content-length'])
      if (!(bytes >= kind.partBytes)) return undefined
      sent += bytes
      return isBroken && sent > 0.9 * size
        ? { kind: 'cut-request', afterBytes: lastOf(bytes, kind) }
        : undefined
    })
    const through = kind.through(kind.place(), proxy.url)
    // Parts in flight are lost, and would be a large share of this small file. Google Cloud Storage has only one.
    const oneAtOnce = kind.adapter.schemes.includes('gs') ? through : withParameter(through, 'parallel', '1')
    const impatient = await openBackendAt(kind, oneAtOnce, { attempts: 1, minDelay: 1, maxDelay: 1 })
    const broken = new CheckpointStore(impatient, { mode: 'shared' })
    let failure: unknown
    await copyCheckpoints(from, broken).catch((error: unknown) => (failure = error))
    expect(isHoldfastError(failure, 'UNAVAILABLE')).toBe(true)
    await broken.close()
    isBroken = false
    if (kind.adapter.schemes.includes('s3')) {
      const watching = await sharedAt(kind, through)
      const copy = { saves: 1, bytes: 0, isSizeKnown: false }
      expect(await watching.unfinishedSaves()).toMatchObject({ copies: copy, others: { saves: 0 } })
    }
    proxy.requests.clear()
    const store = await sharedAt(kind, through)
    const { outcomes } = await copyCheckpoints(from, store)
    const again = [...proxy.requests].reduce((sum, { requestBytes }) => sum + requestBytes, 0)
    expect(again).toBeLessThanOrEqual(0.15 * size)
    expect(outcomes).toMatchObject([{ kind: 'copied' }])
    const [outcome] = outcomes
    expect(outcome?.kind === 'copied' ? outcome.bytesBefore : 0).toBeGreaterThanOrEqual(0.85 * size)
    expect((await store.verify()).good).toBe(true)
  })
})

function withParameter({ url, env }: Place, name: string, value: string): Place {
  return { url: `${url}${url.includes('?') ? '&' : '?'}${name}=${value}`, env }
}

/** Google Cloud Storage gets all parts but the last in one request. */
function lastOf(bytes: number, { partBytes }: KindOfStore): number {
  return bytes > 2 * partBytes ? 0.9 * bytes : 0
}

/** Services that copy objects by themselves. S3Proxy keeps no checksum of an object, so its objects are read and written. */
const services = kinds.filter(
  ({ name, adapter }) =>
    ['s3', 'gs'].some((scheme) => adapter.schemes.includes(scheme)) && !name.includes('S3Proxy'),
)

describe.each(services)('a copy between two stores of one service, $name,', (kind) => {
  test('moves no payload through the client, and shows progress', async () => {
    const proxy = await proxyTo(kind)
    const files = {
      'large.bin': randomBytes(80 * 2 ** 20),
      'small.bin': randomBytes(100_000),
      empty: new Uint8Array(),
    }
    const direct = kind.place()
    const saving = await sharedAt(kind, direct)
    await saving.save({ step: 1, files })
    const from = await sharedAt(kind, kind.through(direct, proxy.url))
    const to = await sharedAt(kind, kind.through(kind.place(), proxy.url))
    const reported: number[] = []
    const { outcomes } = await copyCheckpoints(from, to, { onProgress: ({ bytes }) => reported.push(bytes) })
    expect(outcomes).toMatchObject([{ kind: 'copied' }])
    await to.flush()
    const moved = [...proxy.requests].reduce(
      (sum, { requestBytes, answerBytes }) => sum + requestBytes + answerBytes,
      0,
    )
    expect(moved).toBeLessThan(100_000)
    expect(reported.at(-1)).toBe(80 * 2 ** 20 + 100_000)
    expect(reported).toEqual(reported.toSorted((one, other) => one - other))
    expect((await to.verify()).good).toBe(true)
    expect((await to.get(1))?.files.map(({ sha256 }) => sha256)).toEqual(
      (await saving.get(1))?.files.map(({ sha256 }) => sha256),
    )
  })
})

describe.each(services)('a copy of packs between two stores of one service, $name,', (kind) => {
  test('moves no payload through the client', async () => {
    const proxy = await proxyTo(kind)
    const direct = kind.place()
    const saving = await sharedAt(kind, direct)
    const files = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`${index}.bin`, randomBytes(10_000)]),
    )
    await saving.save({ step: 1, files })
    const from = await sharedAt(kind, kind.through(direct, proxy.url))
    const to = await sharedAt(kind, kind.through(kind.place(), proxy.url))
    expect((await copyCheckpoints(from, to)).outcomes).toMatchObject([{ kind: 'copied' }])
    await to.flush()
    const moved = [...proxy.requests].reduce(
      (sum, { requestBytes, answerBytes }) => sum + requestBytes + answerBytes,
      0,
    )
    expect(moved).toBeLessThan(300_000) // manifests of 100 files, of 1 MB of payload
    expect(new Set((await to.get(1))?.files.map(({ key }) => key)).size).toBe(1)
    expect((await to.verify()).good).toBe(true)
  })
})

/** One server of each kind is enough, since the client decides. */
const emulated = services.filter(({ name }) => name.includes('emulator'))

describe.each(emulated)('a copy between two stores of one service, $name,', (kind) => {
  const names = ['CopyObject', 'UploadPartCopy', 'objects.rewrite']

  test('is read and written if the service fails to copy', async () => {
    const proxy = await proxyTo(kind, ({ operation }) =>
      names.includes(operation) ? { kind: 'status', status: 503 } : undefined,
    )
    const direct = kind.place()
    const from = await sharedAt(kind, direct)
    await from.save({ step: 1, files: { 'model.bin': randomBytes(100_000) } })
    const source = await sharedAt(kind, kind.through(direct, proxy.url))
    const to = await sharedAt(kind, kind.through(kind.place(), proxy.url))
    const { outcomes } = await copyCheckpoints(source, to)
    expect(outcomes).toMatchObject([{ kind: 'copied' }])
    await to.flush()
    expect([...proxy.requests].some(({ operation }) => names.includes(operation))).toBe(true)
    expect((await to.verify()).good).toBe(true)
  })

  test('fails, and commits nothing, if the object at the source has other bytes of the same size', async () => {
    const from = await sharedAt(kind, kind.place())
    await from.save({ step: 1, files: { 'model.bin': randomBytes(100_000) } })
    for await (const { key } of from.backend.list('data/'))
      if (key.endsWith('model.bin')) await from.backend.put(key, randomBytes(100_000))
    const to = await sharedAt(kind, kind.place())
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes).toMatchObject([{ kind: 'failed', error: { code: 'CORRUPT' } }])
    expect(await to.list()).toEqual([])
  })
})
