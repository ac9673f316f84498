import { describe, expect, test } from 'vitest'
import { type CheckpointStore, copyCheckpoints, type JsonValue, MemoryBackend } from '../../src/index.ts'
import { sha256Hex } from '../../src/backend.ts'
import { type DocumentKind, seal } from '../../src/catalog/documents/sealed.ts'
import { codeOf, flipBit, foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'
import { newestCatalogKey, readText, reseal, resealCatalog, resealManifest, to } from './reseal.ts'

const files = { a: Buffer.from('a') }
const steps = [1, 2, 3, 4, 5]

/** The older lines of the catalog are in pages. */
async function savedStore(): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  const objectives = { loss: { metric: 'loss', direction: 'min' } } as const
  const store = storeOn(backend, { mode: 'shared', objectives }, foldingEarly)
  for (const step of steps) await store.save({ step, files, metrics: { loss: step } })
  return backend
}

/** Every method of a store that reads or writes documents. */
const methods: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  save: (store) => store.save({ step: 9, files }),
  'save in the background': async (store) => (await store.saveInBackground({ step: 9, files })).done,
  restore: async (store) => store.restore('latest', { to: await temporaryFolder() }),
  'restore with fallback': async (store) =>
    store.restore('latest', { to: await temporaryFolder(), fallback: true }),
  read: (store) => store.read('latest', 'a'),
  'read a range': (store) => store.read('latest', 'a', { range: { start: 0 } }),
  tensors: (store) => store.tensors('latest'),
  list: (store) => store.list(),
  quarantined: (store) => store.quarantined(),
  best: (store) => store.best(),
  get: (store) => store.get('latest'),
  pin: (store) => store.pin(5),
  unpin: (store) => store.unpin(5),
  attach: (store) => store.attach(5, { late: 1 }),
  metrics: (store) => store.metrics(),
  unscored: (store) => store.unscored(),
  plateau: (store) => store.plateau('loss'),
  prune: (store) => store.prune(),
  'prune, dry': (store) => store.prune({ dryRun: true }),
  'forget an objective': (store) => store.forgetObjective('loss'),
  delete: (store) => store.delete([4]),
  verify: (store) => store.verify(),
  'verify a step': (store) => store.verify({ steps: [5], quick: true }),
  sweep: (store) => store.sweep(),
  'sweep, dry': (store) => store.sweep({ dryRun: true }),
  repair: (store) => store.repair(),
  doctor: (store) => store.doctor(),
  'copy from': (store) => copyCheckpoints(store, storeOn(new MemoryBackend())),
  'copy into': async (store) => copyCheckpoints(storeOn(await savedStore()), store),
}

async function contentOf(backend: MemoryBackend): Promise<Readonly<Record<string, string>>> {
  const content: Record<string, string> = {}
  for (const key of await keysOf(backend)) content[key] = await readText(backend, key)
  return content
}

/** Returns the code with which each method rejects. Fails if one of them writes. */
async function codesOf(
  backend: MemoryBackend,
  mode: 'shared' | 'exclusive',
  names = Object.keys(methods),
): Promise<Readonly<Record<string, string>>> {
  const before = await contentOf(backend)
  const codes: Record<string, string> = {}
  for (const name of names) {
    const store = storeOn(backend, { mode }, foldingEarly)
    codes[name] = await codeOf(methods[name]?.(store) ?? Promise.resolve())
    expect(await contentOf(backend), name).toEqual(before)
  }
  return codes
}

function all(code: string, names = Object.keys(methods)): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, code]))
}

const unheardOf = { requires: to(['unheard-of']) }

describe('a document that requires an unknown feature', () => {
  test.each(['shared', 'exclusive'] as const)(
    'makes every method reject and write nothing if it is the newest catalog (%s)',
    async (mode) => {
      const backend = await savedStore()
      await resealCatalog(backend, unheardOf)
      expect(await codesOf(backend, mode)).toEqual(all('UNSUPPORTED'))
      expect(await codeOf(storeOn(backend).latest())).toBe('UNSUPPORTED')
    },
  )

  test('makes every method reject and write nothing if it is the marker', async () => {
    const backend = await savedStore()
    await reseal(backend, 'marker', 'holdfast.json', unheardOf)
    expect(await codesOf(backend, 'shared')).toEqual(all('UNSUPPORTED'))
  })

  test('makes each method reject that reads it if it is a manifest', async () => {
    const backend = await savedStore()
    await resealManifest(backend, 5, unheardOf)
    const readers = ['restore', 'restore with fallback', 'read', 'get', 'verify', 'verify a step', 'repair']
    expect(await codesOf(backend, 'shared', readers)).toEqual(all('UNSUPPORTED', readers))
  })

  test('stops the rebuilding of a lost catalog before it writes if it is a manifest', async () => {
    const backend = await savedStore()
    await resealManifest(backend, 5, unheardOf)
    await backend.delete(await keysOf(backend, 'catalog/'))
    const rebuilders = ['save', 'restore with fallback', 'repair']
    expect(await codesOf(backend, 'exclusive', rebuilders)).toEqual(all('UNSUPPORTED', rebuilders))
  })

  test('stops the rebuilding of a lost catalog before it writes if it is a rewind', async () => {
    const backend = await savedStore()
    const [attempt = ''] = (await keysOf(backend, 'data/2-')).map((key) => key.split('/')[1] ?? '')
    const rewind = `7-${'a'.repeat(16)}`
    const body = {
      format: 'holdfast-rewind/1.0',
      requires: ['rewinds', 'unheard-of'],
      rewind,
      attempt,
      from: { segment: 0, base: 3 },
      to: { segment: 1, base: 7 },
      at: '2026-01-01T00:00:00.000Z',
    }
    await backend.put(`rewinds/${rewind}.json`, seal('rewind', body))
    await backend.delete(await keysOf(backend, 'catalog/'))
    const rebuilders = ['save', 'restore with fallback', 'repair']
    expect(await codesOf(backend, 'exclusive', rebuilders)).toEqual(all('UNSUPPORTED', rebuilders))
  })

  test('is refused where a page is needed', async () => {
    const backend = await savedStore()
    const { catalog } = JSON.parse(await readText(backend, await newestCatalogKey(backend))) as {
      readonly catalog: { readonly older: { readonly checkpoints: readonly { readonly page: string }[] } }
    }
    const key = `pages/${catalog.older.checkpoints[0]?.page ?? ''}.json`
    await reseal(backend, 'page', key, unheardOf)
    const sha256 = sha256Hex(Buffer.from(await readText(backend, key)))
    await resealCatalog(backend, { 'older.checkpoints.0.sha256': to(sha256) })
    const readers = ['list', 'verify', 'repair', 'delete', 'sweep', 'attach', 'restore with fallback']
    expect(await codesOf(backend, 'shared', readers)).toEqual({
      ...all('UNSUPPORTED', readers),
      'restore with fallback': 'no error', // the latest checkpoint is in the catalog itself
    })
  })

  test('stops a writer at a new place before it marks the store', async () => {
    const backend = await savedStore()
    await resealCatalog(backend, unheardOf)
    await reseal(backend, 'marker', 'holdfast.json', { verifiedPlaces: to([]) })
    expect(await codesOf(backend, 'exclusive', ['save', 'pin', 'repair'])).toEqual(
      all('UNSUPPORTED', ['save', 'pin', 'repair']),
    )
  })
})

/** Documents of a newer major version, in the same envelope and in others. */
const newerForms: Readonly<Record<string, (body: JsonValue) => string>> = {
  'in the envelope': (body) => Buffer.from(seal('catalog', body)).toString(),
  'of another kind': (body) => Buffer.from(seal('log' as DocumentKind, body)).toString(),
  'in another envelope': (body) => `${JSON.stringify({ sha512: 'x', envelope: 2, catalog: body })}\n`,
  'without an envelope': (body) => JSON.stringify(body),
}

describe('a catalog of a newer major version', () => {
  test.each(Object.entries(newerForms))('%s is refused by every method', async (_, form) => {
    const backend = await savedStore()
    await backend.put(await newestCatalogKey(backend), Buffer.from(form({ format: 'holdfast-catalog/2.0' })))
    expect(await codesOf(backend, 'exclusive')).toEqual(all('UNSUPPORTED'))
  })

  test('stops a running writer, which commits nothing after it', async () => {
    const backend = await savedStore()
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    await store.save({ step: 6, files })
    const next = (await newestCatalogKey(backend)).replace(/\d+/, (version) =>
      String(Number(version) + 1).padStart(version.length, '0'),
    )
    await backend.put(next, seal('catalog', { format: 'holdfast-catalog/2.0' }))
    expect(await codeOf(store.save({ step: 7, files }))).toBe('UNSUPPORTED')
    expect(await newestCatalogKey(backend)).toBe(next)
  })

  test('is damaged if its checksum is wrong, and then a repair replaces it', async () => {
    const backend = await savedStore()
    const key = await newestCatalogKey(backend)
    await reseal(backend, 'catalog', key, { format: to('holdfast-catalog/2.0') })
    await tamper(backend, key, flipBit)
    expect(await codeOf(storeOn(backend).list())).toBe('CORRUPT')
    const report = await storeOn(backend).repair()
    expect(report.damagedCatalogs).toHaveLength(1)
    expect((await storeOn(backend).list()).map(({ step }) => step)).toEqual(steps)
  })
})
