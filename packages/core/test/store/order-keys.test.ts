import { expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import { decodeCatalog, decodeManifest, partsOfAttempt } from '../../src/catalog/documents/index.ts'
import type { OrderKey } from '../../src/order-key.ts'
import { seal } from '../../src/catalog/documents/sealed.ts'
import { codeOf, keysOf, storeOn } from '../stores.ts'
import { newestCatalogKey, readText, resealManifest, to } from './reseal.ts'

const files = { a: Buffer.from('a') }

/** The order key of each step, which must be equal in its line and its manifest. */
async function orders(backend: MemoryBackend): Promise<ReadonlyMap<number, OrderKey>> {
  const key = await newestCatalogKey(backend)
  const { checkpoints } = decodeCatalog(
    Buffer.from(await readText(backend, key)),
    Number(/\d+/.exec(key)?.[0]),
  )
  const found = new Map<number, OrderKey>()
  for (const { step, attempt, order } of checkpoints) {
    const manifest = decodeManifest(
      Buffer.from(await readText(backend, `data/${attempt}/manifest.json`)),
      attempt,
    )
    expect(manifest.order).toEqual(order)
    expect(order.base).toBeLessThanOrEqual(partsOfAttempt(attempt).base)
    found.set(step, order)
  }
  return found
}

test('gives a save the version that was known when it began, also if it goes back', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' })
  for (const step of [8, 48, 16, 24]) await store.save({ step, files })
  const found = await orders(backend)
  const bySaving = [...found].sort(([, one], [, other]) => one.base - other.base)
  expect(bySaving.map(([step]) => step)).toEqual([8, 48, 16, 24])
  expect([...found.values()].map(({ segment }) => segment)).toEqual([0, 0, 0, 0])
})

test('gives a save the version before the commits that others make while it runs', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' })
  await store.save({ step: 1, files })
  const other = storeOn(backend, { mode: 'shared' })
  const slow = (async function* () {
    await other.save({ step: 2, files })
    await other.save({ step: 3, files })
    yield Buffer.from('slow')
  })()
  await store.save({ step: 4, files: { a: slow } })
  const found = await orders(backend)
  expect(found.get(4)?.base).toBe(found.get(2)?.base)
  expect(found.get(3)?.base).toBeGreaterThan(found.get(4)?.base ?? Infinity)
})

test('lets a repair list the attempt whose save began later if the catalog is damaged', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' })
  for (const step of [1, 2]) await store.save({ step, files })
  await store.save({ step: 2, files: { a: Buffer.from('later') }, onExisting: 'replace' })
  expect((await orders(backend)).get(2)?.base).toBe(3)
  const before = await orders(backend)
  await backend.delete(await keysOf(backend, 'catalog/'))
  await storeOn(backend, { mode: 'shared' }).repair()
  expect(await orders(backend)).toEqual(before)
})

test('refuses to restore a manifest whose order key is later than its attempt', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' })
  await store.save({ step: 1, files })
  await resealManifest(backend, 1, { 'order.base': to(99) })
  expect(await codeOf(store.get(1))).toBe('CORRUPT')
})

test('lets a repair keep the highest term that a job of many ranks began', async () => {
  const backend = new MemoryBackend()
  await storeOn(backend, { mode: 'shared' }).save({ step: 1, files })
  for (const name of ['terms/0000000003/open', 'terms/0000000012/open', 'starts/99/1', 'terms/x/open']) {
    const body = { format: 'holdfast-agreement/1.0', requires: [], name, proposal: null }
    await backend.put(`agreements/${name}.json`, seal('agreement', body))
  }
  const store = storeOn(backend, { mode: 'shared' })
  await backend.delete(await keysOf(backend, 'catalog/'))
  await store.repair()
  await store.save({ step: 2, files })
  const { catalog } = JSON.parse(await readText(backend, await newestCatalogKey(backend))) as {
    readonly catalog: { readonly term: number }
  }
  expect(catalog.term).toBe(12)
  const { foreign } = await store.sweep()
  expect(foreign).toEqual([])
  expect(await keysOf(backend, 'agreements/')).toEqual([
    'agreements/starts/99/1.json',
    'agreements/terms/0000000012/open.json',
    'agreements/terms/x/open.json',
  ])
})

test('lists files in the order of the UTF-8 bytes of their names', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' })
  const names = ['B', 'a', '\uff5e', '\u{1f600}']
  const given = Object.fromEntries(names.toReversed().map((name) => [name, Buffer.from(name)]))
  await store.save({ step: 1, files: given })
  expect((await store.get(1))?.files.map(({ name }) => name)).toEqual(names)
  expect((await store.verify()).good).toBe(true)
})
