import { describe, expect, test } from 'vitest'
import type { ListOptions, ObjectStat } from '../../src/backend/index.ts'
import {
  type CatalogEntry,
  catalogKey,
  encodeCatalog,
  newAttemptId,
  newPageId,
  pageKey,
} from '../../src/catalog/documents/index.ts'
import { documentOf, fold, noCatalog } from '../../src/catalog/pages/index.ts'
import { defaultPageLimits } from '../../src/environment.ts'
import { committedAs } from '../catalog/as-committed.ts'
import { codeOf, FaultyBackend, keysOf, storeOn } from '../stores.ts'

const order = { segment: 0, base: 1 }
const metrics = { val_loss: 0.183, val_pck: 0.914 }

function entry(step: number): CatalogEntry {
  return {
    step,
    epoch: step,
    attempt: newAttemptId(step, 1, step.toString(16).padStart(16, '0')),
    manifest: { sha256: 'a'.repeat(64), size: 500 },
    fileCount: 3,
    bytes: 512_000_000,
    savedAt: '2026-01-01T00:00:00.000Z',
    order,
    metrics,
    tags: [],
  }
}

/** Creates a store with this number of checkpoints, as a run of that length would leave it, but without their bytes. */
async function grown(checkpoints: number): Promise<FaultyBackend>
async function grown<B extends FaultyBackend>(checkpoints: number, backend: B): Promise<B>
async function grown(checkpoints: number, backend = new FaultyBackend()): Promise<FaultyBackend> {
  const steps = Array.from({ length: checkpoints }, (_, step) => step)
  const version = Math.ceil((checkpoints + 1) / 64) * 64 // just tidied
  let pages = 0
  const { catalog, newPages } = fold(
    {
      ...noCatalog,
      ...committedAs(version),
      floor: version, // no older version is left
      checkpoints: noCatalog.checkpoints.replacedBy(steps.map(entry)),
      metrics: noCatalog.metrics.replacedBy(steps.map((step) => ({ step, metrics, order }))),
    },
    defaultPageLimits,
    () => newPageId(version, (pages++).toString(16).padStart(16, '0')),
  )
  for (const { page, bytes } of newPages) await backend.put(pageKey(page), bytes)
  await backend.commit(catalogKey(catalog.version), encodeCatalog(documentOf(catalog)))
  backend.calls.length = 0
  return backend
}

function methods({ calls }: FaultyBackend): readonly string[] {
  return calls.map((call) => call.split(' ')[0] ?? '')
}

describe.each([10, 1_000, 10_000, 100_000])('a run of %i checkpoints', (checkpoints) => {
  test('finds its latest with one list and one read', async () => {
    const backend = await grown(checkpoints)
    expect((await storeOn(backend).latest())?.step).toBe(checkpoints - 1)
    expect(methods(backend)).toEqual(['list', 'read'])
  })

  test('takes five calls for a save, and has a catalog below 80 KB', async () => {
    const backend = await grown(checkpoints)
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: checkpoints, files: { a: Buffer.from('a') }, metrics })
    backend.calls.length = 0
    for (let step = checkpoints + 1; step <= checkpoints + 60; step += 1) {
      await store.save({ step, files: { a: Buffer.from('a') }, metrics })
    }
    const perSave = methods(backend).length / 60
    expect(perSave).toBeGreaterThanOrEqual(5)
    expect(perSave).toBeLessThan(5.1) // a page is written occasionally
    for await (const { key, size } of backend.list('catalog/')) {
      expect(size, key).toBeLessThan(80_000)
    }
  })
})

test('reads 16 pages of 100,000 checkpoints at once, at any depth', async () => {
  class Crowded extends FaultyBackend {
    most = 0
    #reading = 0

    override async read(...parameters: Parameters<FaultyBackend['read']>) {
      this.#reading += 1
      this.most = Math.max(this.most, this.#reading)
      await new Promise((resolve) => setImmediate(resolve))
      this.#reading -= 1
      return super.read(...parameters)
    }
  }
  const backend = await grown(100_000, new Crowded())
  expect((await storeOn(backend).list()).length).toBe(100_000)
  expect(backend.most).toBe(16)
})

test('deletes half of 50,000 steps, or names a missing one, in linear time', async () => {
  const store = storeOn(await grown(50_000), { mode: 'shared' })
  const odd = Array.from({ length: 25_000 }, (_, index) => 2 * index + 1)
  expect(await codeOf(store.delete([...odd, 999_999]))).toBe('NOT_FOUND')
  expect(await store.delete(odd)).toHaveLength(25_000)
})

test('lists 10,000 checkpoints with one read for every forty', async () => {
  const backend = await grown(10_000)
  expect((await storeOn(backend).list()).length).toBe(10_000)
  expect(methods(backend).length).toBeLessThan(250)
})

/** Counts lists of the whole store. Every sweep starts with one. */
function sweepsOf({ calls }: FaultyBackend): number {
  return calls.filter((call) => call === 'list ').length
}

test.each([
  [10, 4],
  [1_000, 1],
  [10_000, 0],
])(
  'of %i checkpoints lists the whole store %i times in 600 saves, and leaves nothing to sweep',
  async (checkpoints, sweeps) => {
    const backend = await grown(checkpoints)
    const store = storeOn(backend, { mode: 'shared', gracePeriod: 0 })
    for (let step = checkpoints; step < checkpoints + 600; step += 1) {
      await store.save({ step, files: { a: Buffer.from('a') }, metrics })
      await store.pin(step) // one more page that is written occasionally
    }
    expect(sweepsOf(backend)).toBeLessThanOrEqual(sweeps + 1)
    expect(sweepsOf(backend)).toBeGreaterThanOrEqual(sweeps)
    expect((await keysOf(backend, 'catalog/')).length).toBeLessThan(140)
    expect((await store.sweep({ dryRun: true })).catalogPages).toBe(0)
  },
)

test('a shared writer lists no versions that are still in their grace period', async () => {
  class CountingBackend extends FaultyBackend {
    versionsListed = 0

    override async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectStat> {
      for await (const object of super.list(prefix, options)) {
        if (prefix === 'catalog/') this.versionsListed += 1
        yield object
      }
    }
  }
  const backend = new CountingBackend()
  const store = storeOn(backend, { mode: 'shared' })
  for (let step = 0; step < 400; step += 1) await store.save({ step, files: { a: Buffer.from('a') } })
  // The newest version before each commit, and its own afterwards.
  expect(backend.versionsListed / 400).toBeLessThan(2.1)
})

test('sweeps objects that could not be deleted at the next clean-up, in a run of any length', async () => {
  const backend = await grown(10_000)
  const store = storeOn(backend, { mode: 'shared', gracePeriod: 0 })
  let saves = 0
  const save = async (step: number): Promise<void> => {
    saves += 1
    await store.save({ step, files: { a: Buffer.from(`save ${saves}`) }, onExisting: 'replace' })
  }
  await save(10_000)
  const dead = (await keysOf(backend, 'data/')).filter((key) => key.startsWith('data/10000-'))
  backend.intercept = (method) => (method === 'delete' ? 'fail before' : 'pass')
  await save(10_000)
  backend.intercept = () => 'pass'
  expect(await keysOf(backend, 'data/')).toEqual(expect.arrayContaining([...dead]))
  for (let step = 10_001; step < 10_070; step += 1) await save(step)
  const left = new Set(await keysOf(backend, 'data/'))
  for (const key of dead) expect(left.has(key), key).toBe(false)
})

test('sweeps at every clean-up with a grace period, because the catalog may have forgotten expired objects', async () => {
  const backend = await grown(1_000)
  const retention = { keepLast: 5_000, grace: '1h' } as const
  const store = storeOn(backend, { mode: 'shared', gracePeriod: 0, retention })
  for (let step = 1_000; step < 1_140; step += 1) await store.save({ step, files: { a: Buffer.from('a') } })
  expect(sweepsOf(backend)).toBe(2)
})
