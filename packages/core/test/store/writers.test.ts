import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import { type ListOptions, type ObjectStat, type ReadOptions } from '../../src/backend.ts'
import { codeOf, FaultyBackend, keysOf, storeOn } from '../stores.ts'

const files = { a: Buffer.from('some bytes') }

describe('exclusive mode', () => {
  test('takes over at the first write, and never for a read', async () => {
    const backend = new MemoryBackend()
    const first = storeOn(backend)
    await first.save({ step: 1, files })
    const second = storeOn(backend)
    expect((await second.latest())?.step).toBe(1)
    await first.save({ step: 2, files })
    const from: unknown[] = []
    second.on('tookOver', (event) => from.push(event.from))
    await second.save({ step: 3, files })
    expect(from).toEqual([expect.stringContaining('process')])
  })

  test('rejects a superseded writer with FENCED from then on, and changes nothing', async () => {
    const backend = new MemoryBackend()
    const first = storeOn(backend)
    await first.save({ step: 1, files })
    const second = storeOn(backend)
    await second.save({ step: 2, files })
    const before = await keysOf(backend)
    expect(await codeOf(first.save({ step: 3, files }))).toBe('FENCED')
    await expect(first.pin(1)).rejects.toThrow(
      /^Nothing was changed\. The store belongs to .*, and only it may write\. Stop that writer, or open/,
    )
    expect(await codeOf(first.delete([1]))).toBe('FENCED')
    expect(await first.sweep()).toMatchObject({ objects: 0 }) // any writer may sweep dead objects
    expect(await keysOf(backend)).toEqual(before)
    await second.close()
    expect(await codeOf(first.save({ step: 4, files }))).toBe('FENCED')
    expect((await storeOn(backend).list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test('releases ownership on close, so that shared writers may write', async () => {
    const backend = new MemoryBackend()
    const owner = storeOn(backend)
    await owner.save({ step: 1, files })
    const shared = storeOn(backend, { mode: 'shared' })
    expect(await codeOf(shared.save({ step: 2, files }))).toBe('FENCED')
    await owner.close()
    await shared.save({ step: 2, files })
    expect(await codeOf(owner.save({ step: 3, files }))).toBe('INVALID_ARGUMENT')
  })

  test('sweeps the leftovers of crashed writers in a takeover', async () => {
    const backend = new MemoryBackend()
    await storeOn(backend).save({ step: 1, files })
    await backend.put('data/9-1-0123456789abcdef/half.pth', Buffer.from('half'))
    await storeOn(backend).save({ step: 2, files })
    expect((await keysOf(backend, 'data/9-')).length).toBe(0)
    expect((await keysOf(backend, 'catalog/')).length).toBeLessThanOrEqual(3)
  })

  test('keeps the catalog short in a long run, and loses nothing', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { background: { limit: 4 } })
    for (let step = 0; step < 300; step += 1) await store.saveInBackground({ step, files })
    await store.flush()
    expect((await store.list()).length).toBe(300)
    expect((await keysOf(backend, 'catalog/')).length).toBeLessThan(140)
    expect((await store.verify()).good).toBe(true)
  })
})

describe('shared mode', () => {
  test('lists every acknowledged save of many concurrent writers', async () => {
    const backend = new MemoryBackend()
    const writers = Array.from({ length: 8 }, () => storeOn(backend, { mode: 'shared' }))
    await Promise.all(
      writers.map(async (writer, index) => {
        for (let each = 0; each < 20; each += 1) await writer.save({ step: index * 20 + each, files })
      }),
    )
    expect((await storeOn(backend).list()).map(({ step }) => step)).toEqual(
      Array.from({ length: 160 }, (_, step) => step),
    )
  })

  test('repeats a list that omits existing objects, and reports deleted objects', async () => {
    class ForgetfulBackend extends MemoryBackend {
      catalogLists = 0
      forgotten = 0

      override async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectStat> {
        const isForgotten =
          prefix === 'catalog/' && options?.startAfter !== undefined && this.catalogLists++ % 5 === 0
        if (isForgotten) this.forgotten += 1
        else yield* super.list(prefix, options)
      }
    }
    const backend = new ForgetfulBackend()
    const store = storeOn(backend, { mode: 'shared' })
    for (let step = 0; step < 6; step += 1) await store.save({ step, files })
    expect(backend.forgotten).toBeGreaterThan(1)
    expect((await store.list()).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5])

    await backend.delete(await keysOf(backend, 'catalog/'))
    expect(await codeOf(store.save({ step: 6, files }))).toBe('CORRUPT')
  })

  test('sends one request to an unreachable store, because the backend has retried already', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 0, files })
    backend.calls.length = 0
    backend.intercept = () => 'fail before'
    expect(await codeOf(store.save({ step: 1, files }))).toBe('UNAVAILABLE')
    expect(backend.calls).toEqual(['list catalog/'])
  })

  test('fences an exclusive owner only if the shared writer requests a takeover', async () => {
    const backend = new MemoryBackend()
    const owner = storeOn(backend)
    await owner.save({ step: 1, files })
    expect(await codeOf(storeOn(backend, { mode: 'shared' }).pin(1))).toBe('FENCED')
    await storeOn(backend, { mode: 'shared', takeOver: true }).pin(1)
    expect(await codeOf(owner.save({ step: 2, files }))).toBe('FENCED')
  })

  test('sweeps old versions and leftovers after the grace period, by the clock of the store', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    const backend = new MemoryBackend('mem:', () => new Date(now))
    const store = storeOn(backend, { mode: 'shared', gracePeriod: 3_600_000 })
    await store.save({ step: 1, files })
    await backend.put('data/9-1-0123456789abcdef/half.pth', Buffer.from('half'))
    await store.save({ step: 2, files })
    expect(await store.sweep()).toMatchObject({ attempts: 0, catalogVersions: 0 })
    now += 3_600_001
    await store.save({ step: 3, files })
    const report = await store.sweep()
    expect(report).toMatchObject({ attempts: 1, catalogVersions: 2, failed: [], foreign: [] })
    expect(await keysOf(backend, 'data/9-')).toEqual([])
    expect((await store.verify()).good).toBe(true)
  })
})

describe('pins and deletes', () => {
  test('pins several checkpoints in one commit, or none of them if one is missing', async () => {
    const store = storeOn(new MemoryBackend())
    for (const step of [1, 2, 3]) await store.save({ step, files })
    const pinned = async (): Promise<readonly (number | undefined)[]> =>
      (await store.list()).filter((each) => each.pinned !== undefined).map(({ step }) => step)
    expect(await codeOf(store.pin([1, 8]))).toBe('NOT_FOUND')
    expect(await pinned()).toEqual([])
    await store.pin([1, 3, 1], 'kept')
    expect(await pinned()).toEqual([1, 3])
    expect(await codeOf(store.unpin([1, 8]))).toBe('NOT_FOUND')
    expect(await pinned()).toEqual([1, 3])
    await store.unpin([1, 3])
    expect(await pinned()).toEqual([])
    expect((await store.history()).map(({ did }) => did)).toEqual(
      expect.arrayContaining(['pin 1 3', 'unpin 1 3']),
    )
    expect((await store.history()).filter(({ did }) => did.includes('pin'))).toHaveLength(2)
  })

  test('refuses to delete a pinned checkpoint until it is unpinned', async () => {
    const store = storeOn(new MemoryBackend())
    for (const step of [1, 2, 3]) await store.save({ step, files })
    await store.pin(1, 'before lr drop')
    expect((await store.list())[0]?.pinned?.reason).toBe('before lr drop')
    expect(await codeOf(store.delete([1, 2]))).toBe('INVALID_ARGUMENT')
    expect((await store.list()).length).toBe(3)
    await store.unpin(1)
    expect(await store.delete([1, 2])).toEqual([
      { step: 1, because: 'deleted by hand' },
      { step: 2, because: 'deleted by hand' },
    ])
    expect(await codeOf(store.delete([3]))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(store.pin(8))).toBe('NOT_FOUND')
    expect(await codeOf(store.unpin(8))).toBe('NOT_FOUND')
  })
})

test('a sweep keeps and names foreign objects', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend)
  await store.save({ step: 1, files })
  const foreign = ['README.md', 'catalog/notes.txt', 'data/mine/model.pth']
  for (const key of foreign) await backend.put(key, Buffer.from('mine'))
  expect((await store.sweep()).foreign).toEqual(foreign.toSorted())
  for (const key of foreign) expect(await backend.stat(key)).toBeDefined()
})

test('a dry run of a sweep reports what it would delete, and changes nothing', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend)
  await store.save({ step: 1, files })
  await backend.put('data/9-0-0123456789abcdef/half.pth', Buffer.from('half'))
  const before = await keysOf(backend)
  const told = await store.sweep({ dryRun: true })
  expect(told).toMatchObject({ attempts: 1, bytes: 4 })
  expect(await keysOf(backend)).toEqual(before)
  expect(await store.sweep()).toMatchObject({ attempts: 1 })
  expect(await store.sweep()).toMatchObject({ attempts: 0, objects: 0 })
})

test('returns the next checkpoint, or none, if another process drops one before its manifest is read', async () => {
  class DroppingBackend extends MemoryBackend {
    beforeManifest: (() => Promise<unknown>) | undefined

    override async read(key: string, options?: ReadOptions) {
      const before = this.beforeManifest
      if (before !== undefined && key.endsWith('/manifest.json')) {
        this.beforeManifest = undefined
        await before()
      }
      return super.read(key, options)
    }
  }
  const backend = new DroppingBackend()
  const reader = storeOn(backend, { mode: 'shared' })
  const other = storeOn(backend, { mode: 'shared' })
  for (const step of [1, 2, 3]) await other.save({ step, files: { a: Buffer.from(String(step)) } })
  backend.beforeManifest = () => other.delete([3])
  expect((await reader.get('latest'))?.step).toBe(2)
  backend.beforeManifest = () => other.delete([2])
  expect(await codeOf(reader.read(2, 'a'))).toBe('NOT_FOUND')
  expect(await reader.get(2)).toBeUndefined()
})
