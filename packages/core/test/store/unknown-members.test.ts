import { expect, test } from 'vitest'
import { type JsonValue, MemoryBackend, type Objectives } from '../../src/index.ts'
import { parseStoredJson, stringifyJson } from '../../src/input/json.ts'
import { flipBit, foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'
import { type Edits, newestCatalogKey, readText, reseal, resealCatalog, to } from './reseal.ts'

const files = { a: Buffer.from('a') }

/** A value that a program could easily change by reading and writing it. Each place has a different one. */
function unknownText(place: string): string {
  return `{"of":"${place}","large":12345678901234567890,"far":[1e999,-1e400],"half":"\\ud800","zero":-0,"none":null}`
}

function unknown(place: string): JsonValue {
  return parseStoredJson(unknownText(place)) as JsonValue
}

/** Adds an unknown member at each place, and the format of a newer minor version. */
function additions(places: readonly string[]): Edits {
  const members = places.map((place): [string, Edits[string]] => [
    place === '' ? 'added' : `${place}.added`,
    to(unknown(place)),
  ])
  return { ...Object.fromEntries(members), format: to('holdfast-catalog/1.7') }
}

/** Returns the newest version of the catalog, and all pages in the store. */
async function catalogText(backend: MemoryBackend): Promise<string> {
  const keys = [await newestCatalogKey(backend), ...(await keysOf(backend, 'pages/'))]
  return (await Promise.all(keys.map((key) => readText(backend, key)))).join('')
}

async function missing(backend: MemoryBackend, places: readonly string[]): Promise<readonly string[]> {
  const text = await catalogText(backend)
  return places.filter((place) => !text.includes(`"added":${unknownText(place)}`))
}

/** Creates five steps, of which the oldest are in pages. Step 5 is pinned, and step 4 is quarantined. */
async function savedStore(): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  const objectives = { loss: { metric: 'loss', direction: 'min' } } as const
  const store = storeOn(backend, { mode: 'shared', objectives }, foldingEarly)
  for (const step of [1, 2, 3, 4, 5]) await store.save({ step, files, metrics: { loss: step } })
  await store.pin(5, 'first')
  await store.attach(1, { late: 1 })
  await damage(backend, 4)
  await store.restore(4, { to: await temporaryFolder(), fallback: true })
  return backend
}

async function damage(backend: MemoryBackend, step: number): Promise<void> {
  const key = (await keysOf(backend, `data/${step}-`)).find((each) => each.endsWith('/a')) ?? ''
  await tamper(backend, key, flipBit)
}

/** Returns everything in a version that the next version must preserve. */
const places = [
  '',
  'keeping',
  'keeping.objectives.theirs',
  'older',
  'older.checkpoints.0',
  'checkpoints.last',
  'checkpoints.last.order',
  'checkpoints.last.manifest',
  'checkpoints.last.pinned',
  'metrics.last',
  'metrics.last.order',
  'quarantined.0',
  'quarantined.0.entry',
  'history.last',
]

async function storeWithUnknown(): Promise<MemoryBackend> {
  const backend = await savedStore()
  await resealCatalog(backend, {
    'keeping.objectives.theirs': to({ kind: 'of a newer version' }),
    ...additions(places),
  })
  return backend
}

test('preserves unknown members of a catalog in every change', async () => {
  const backend = await storeWithUnknown()
  expect(await missing(backend, places)).toEqual([])
  const objectives: Objectives = {
    loss: { metric: 'loss', direction: 'min' },
    more: { metric: 'm', direction: 'max' },
  }
  const store = storeOn(backend, { mode: 'shared', objectives, retention: { keepLast: 20 } }, foldingEarly)
  const changes: Readonly<Record<string, () => Promise<unknown>>> = {
    attach: () => store.attach(5, { late: 2 }),
    'pin again with another reason': () => store.pin(5, 'second'),
    'pin again without a reason': () => store.pin(5),
    'forget an objective': () => store.forgetObjective('more'),
    save: () => store.save({ step: 6, files }),
    replace: () => store.save({ step: 6, files, onExisting: 'replace' }),
    delete: () => store.delete([3]),
    prune: () => store.prune(),
    sweep: () => store.sweep(),
    'take over': async () => {
      const owner = storeOn(backend, {}, foldingEarly)
      await owner.save({ step: 7, files })
      await owner.close()
    },
  }
  for (const [name, change] of Object.entries(changes)) {
    await change()
    expect([name, await missing(backend, places)]).toEqual([name, []])
  }
})

test('preserves unknown members of lines that move into pages', async () => {
  const backend = await storeWithUnknown()
  const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
  for (let step = 6; step < 14; step += 1) await store.save({ step, files, metrics: { loss: step } })
  const ofLines = places.filter((place) => /^(checkpoints|metrics)\./.test(place))
  expect(await missing(backend, ofLines)).toEqual([])
  await store.attach(5, { late: 3 })
  await store.pin(5)
  expect(await missing(backend, ofLines)).toEqual([])
  const pages = await Promise.all((await keysOf(backend, 'pages/')).map((key) => readText(backend, key)))
  expect(pages.filter((page) => page.includes('"added"'))).not.toEqual([])
  for (const page of pages.filter((each) => each.includes('"added"')))
    expect(page).toContain('"format":"holdfast-page/1.7"')
})

test('preserves unknown members of a catalog that a repair rebuilds', async () => {
  const backend = await storeWithUnknown()
  const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
  await store.save({ step: 6, files })
  await tamper(backend, await newestCatalogKey(backend), flipBit)
  expect((await storeOn(backend, {}, foldingEarly).repair()).recovered).toEqual([6])
  const ofPages = places.filter((place) => place === 'older.checkpoints.0')
  expect(await missing(backend, places)).toEqual(ofPages) // all pages are written again
})

test('preserves unknown members of a checkpoint that is listed again', async () => {
  const backend = await storeWithUnknown()
  await damage(backend, 4) // flips the same bit back
  expect((await storeOn(backend, { mode: 'shared' }, foldingEarly).verify()).released).toEqual([4])
  expect(await missing(backend, places)).toEqual(['quarantined.0'])
})

test.each([
  ['1.7', '1.7'],
  ['1.0', '1.0'],
])('writes the format of a catalog in %s again as %s', async (minor, written) => {
  const backend = await savedStore()
  await resealCatalog(backend, { format: to(`holdfast-catalog/${minor}`) })
  await storeOn(backend, { mode: 'shared' }).save({ step: 6, files })
  expect(await readText(backend, await newestCatalogKey(backend))).toContain(`"holdfast-catalog/${written}"`)
})

test('preserves unknown members and the format of a marker', async () => {
  const backend = await savedStore()
  await reseal(backend, 'marker', 'holdfast.json', {
    format: to('holdfast-marker/1.3'),
    added: to(unknown('marker')),
    verifiedPlaces: to(['file:///another/place']),
  })
  await storeOn(backend, { mode: 'shared' }).save({ step: 6, files })
  const marker = await readText(backend, 'holdfast.json')
  expect(marker).toContain(`"added":${unknownText('marker')}`)
  expect(marker).toContain('"holdfast-marker/1.3"')
  expect(marker).toContain('"verifiedPlaces":["mem:","file:///another/place"]')
})

test('restores metadata with numbers that JavaScript cannot hold as they were written', async () => {
  const backend = new MemoryBackend()
  await storeOn(backend, { mode: 'shared' }).save({ step: 1, files, metadata: 1 })
  const key = (await keysOf(backend, 'data/')).find((each) => each.endsWith('/manifest.json')) ?? ''
  await reseal(backend, 'manifest', key, { metadata: to(unknown('metadata')) })
  await backend.delete(await keysOf(backend, 'catalog/'))
  const store = storeOn(backend, { mode: 'shared' })
  await store.repair()
  expect(stringifyJson((await store.get(1))?.metadata)).toBe(unknownText('metadata'))
})
