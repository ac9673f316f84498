import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend, type StoreOptions } from '../../src/index.ts'
import { codeOf, FaultyBackend, foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a') }
const others = { a: Buffer.from('other bytes') }
const loss = { loss: { metric: 'loss', direction: 'min' } } as const

async function saveAll(store: CheckpointStore, steps: readonly number[]): Promise<void> {
  for (const step of steps) await store.save({ step, files, metrics: { loss: 100 - step } })
}

async function stepsOf(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

async function abandonedSteps(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.abandoned()).map(({ step }) => step)
}

/** A stream that waits before its first byte. */
async function* bytesAfter(ready: Promise<unknown>): AsyncGenerator<Uint8Array> {
  await ready
  yield Buffer.from('slow')
}

async function rewoundStore(
  backend: MemoryBackend,
  options: StoreOptions = {},
  steps = [8, 16, 24],
): Promise<CheckpointStore> {
  const store = storeOn(backend, { mode: 'shared', ...options })
  await saveAll(store, steps)
  await store.rewind(16)
  return store
}

describe.each(['exclusive', 'shared'] as const)('in %s mode, a rewind', (mode) => {
  test('makes an older checkpoint the latest, and abandons what was saved after it', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode })
    await saveAll(store, [40, 8, 16, 24])
    const { step, abandoned } = await store.rewind(16)
    expect([step, abandoned.map((each) => each.step)]).toEqual([16, [24]])
    expect((await store.latest())?.step).toBe(16)
    expect(await stepsOf(store)).toEqual([8, 16, 40])
    expect(await abandonedSteps(store)).toEqual([24])
    const restored = await store.restore('latest', { to: await temporaryFolder() })
    expect(restored?.step).toBe(16)
    expect((await storeOn(backend).latest())?.step).toBe(16)
  })

  test.each([
    ['the same bytes', files],
    ['other bytes', others],
  ])('frees the steps that it abandons, for %s', async (_, content) => {
    const store = await rewoundStore(new MemoryBackend(), { mode })
    const saved = await store.save({ step: 24, files: content })
    expect(saved.isLatest).toBe(true)
    expect((await store.latest())?.step).toBe(24)
    expect(saved.dropped).toEqual([{ step: 24, because: 'abandoned by a rewind' }])
    expect(await abandonedSteps(store)).toEqual([])
    expect((await store.verify()).good).toBe(true)
  })

  test('abandons a save that began before it and ends after it', async () => {
    const store = storeOn(new MemoryBackend(), { mode, background: { limit: 2 } })
    await saveAll(store, [8, 16])
    const slow = Promise.withResolvers<undefined>()
    const late = await store.saveInBackground({ step: 48, files: { a: bytesAfter(slow.promise) } })
    await store.rewind(8)
    slow.resolve(undefined)
    expect((await late.done)?.isAbandoned).toBe(true)
    expect((await store.latest())?.step).toBe(8)
    await store.save({ step: 16, files })
    expect((await store.latest())?.step).toBe(16)
    expect(await stepsOf(store)).toEqual([8, 16])
  })
})

test('does not let a save in the background win that was saved before the run went back', async () => {
  const store = storeOn(new MemoryBackend(), { background: { limit: 2 } })
  await store.save({ step: 8, files })
  const slow = Promise.withResolvers<undefined>()
  const late = await store.saveInBackground({ step: 48, files: { a: bytesAfter(slow.promise) } })
  const back = await store.saveInBackground({ step: 16, files })
  slow.resolve(undefined)
  await Promise.all([late.done, back.done])
  expect((await store.latest())?.step).toBe(16)
})

test('names the latest without pages after a rewind into a page', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
  await saveAll(
    store,
    Array.from({ length: 30 }, (_, index) => index),
  )
  await store.rewind(10)
  expect(await stepsOf(store)).toEqual(Array.from({ length: 11 }, (_, index) => index))
  await store.save({ step: 11, files: others })
  const reads: string[] = []
  const read = backend.read.bind(backend)
  backend.read = async (key, options) => {
    reads.push(key)
    return read(key, options)
  }
  expect((await storeOn(backend).latest())?.step).toBe(11)
  expect(reads.filter((key) => key.startsWith('pages/'))).toEqual([])
})

test('does not give the metrics of an abandoned save to the checkpoint that is listed at its step', async () => {
  const store = storeOn(new MemoryBackend(), { mode: 'shared', objectives: loss, background: { limit: 2 } })
  await store.save({ step: 8, files })
  const slow = Promise.withResolvers<undefined>()
  const late = await store.saveInBackground({
    step: 8,
    files: { a: bytesAfter(slow.promise) },
    metrics: { loss: 1 },
    onExisting: 'replace',
  })
  await store.rewind(8)
  slow.resolve(undefined)
  expect((await late.done)?.isAbandoned).toBe(true)
  expect(await store.metrics()).toEqual([])
  expect(await store.best()).toBeUndefined()
})

describe('an abandoned checkpoint', () => {
  test('stays while it is pinned, tagged, the best, or one of keepEvery', async () => {
    const retention = { keepLast: 10, keepEvery: { steps: 40 }, keepTags: ['eval'] }
    const store = storeOn(new MemoryBackend(), { mode: 'shared', objectives: loss, retention })
    await store.save({ step: 16, files, metrics: { loss: 9 } })
    await store.save({ step: 24, files, metrics: { loss: 8 } })
    await store.pin(24, 'diverged')
    await store.save({ step: 32, files, metrics: { loss: 7 }, tags: ['eval'] })
    await store.save({ step: 40, files, metrics: { loss: 6 } })
    await store.save({ step: 48, files, metrics: { loss: 1 } })
    await store.save({ step: 56, files, metrics: { loss: 5 } })
    const { abandoned } = await store.rewind(16)
    expect(abandoned.map(({ step, keptBecause }) => [step, keptBecause])).toEqual([
      [24, ['pinned "diverged"']],
      [32, ['#eval']],
      [40, ['every 40 steps']],
      [48, ['best loss']],
      [56, []],
    ])
    expect((await store.save({ step: 17, files })).dropped).toEqual([
      { step: 56, because: 'abandoned by a rewind' },
    ])
    expect(await abandonedSteps(store)).toEqual([24, 32, 40, 48])
    expect((await store.best())?.step).toBe(48)
    expect((await store.best())?.isAbandoned).toBe(true)
  })

  test('is kept by its metrics only until its step is saved again', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared', objectives: loss })
    await saveAll(store, [16, 24])
    await store.rewind(16)
    await store.save({ step: 17, files })
    expect(await abandonedSteps(store)).toEqual([24])
    const { dropped } = await store.save({ step: 24, files: others, metrics: { loss: 200 } })
    expect(dropped.map(({ step }) => step)).toEqual([24])
    expect((await store.best())?.step).toBe(16)
  })

  test('is restored, read, shown, pinned and measured by its number, and never as the latest', async () => {
    const store = await rewoundStore(new MemoryBackend(), { objectives: loss })
    expect((await store.restore(24, { to: await temporaryFolder() }))?.step).toBe(24)
    expect((await store.get(24))?.isAbandoned).toBe(true)
    await store.pin(24)
    await store.attach(24, { loss: 3 })
    expect((await store.abandoned())[0]).toMatchObject({ step: 24, metrics: { loss: 3 }, bestOf: ['loss'] })
    expect((await store.metrics()).find(({ step }) => step === 24)).toMatchObject({
      listed: false,
      abandoned: true,
    })
    await store.unpin(24)
    expect((await store.abandoned())[0]?.pinned).toBeUndefined()
    await expect(store.delete([24])).rejects.toMatchObject({ hint: { kind: 'allow-best' } })
    await store.delete([24], { allowBest: true })
    expect(await abandonedSteps(store)).toEqual([])
    expect(await stepsOf(store)).toEqual([8, 16])
  })

  test('goes before the checkpoint that was saved at its step since', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    await saveAll(store, [8, 16])
    await store.pin(16)
    await store.rewind(8)
    await store.save({ step: 16, files: others })
    await store.unpin(16)
    expect(await store.delete([16])).toEqual([{ step: 16, because: 'deleted by hand, the abandoned one' }])
    expect((await store.latest())?.step).toBe(16)
  })

  test('is unpinned before an older one of its step, which the next unpin reaches', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    await saveAll(store, [8])
    for (const text of ['one', 'two', 'three']) {
      await store.save({ step: 16, files: { a: Buffer.from(text) } })
      await store.pin(16, text)
      await store.rewind(8)
    }
    const pins = async () => (await store.abandoned()).flatMap(({ pinned }) => pinned?.reason ?? [])
    expect((await pins()).sort()).toEqual(['one', 'three', 'two'])
    await store.unpin(16)
    expect((await pins()).sort()).toEqual(['one', 'two'])
    await store.unpin(16)
    expect(await pins()).toEqual(['one'])
    await expect(store.delete([16])).rejects.toThrow('Step 16 is pinned')
    await store.unpin(16)
    await store.unpin(16)
    expect(await store.delete([16])).toHaveLength(3)
  })

  test('is kept by no sweep, and is swept once it is dropped', async () => {
    const backend = new MemoryBackend()
    const store = await rewoundStore(backend, { gracePeriod: 0 })
    await storeOn(backend, { takeOver: true, mode: 'shared', gracePeriod: 0 }).sweep()
    expect((await store.verify()).good).toBe(true)
    expect((await store.verify({ steps: [24] })).good).toBe(true)
    await store.save({ step: 17, files })
    await store.flush()
    expect((await keysOf(backend, 'data/24-')).length).toBe(0)
  })

  test('is dropped by prune, which shows it first', async () => {
    const store = await rewoundStore(new MemoryBackend(), { retention: { keepLast: 5 } })
    const expected = [{ step: 24, because: 'abandoned by a rewind', bytes: 1 }]
    expect((await store.prune({ dryRun: true })).dropped).toEqual(expected)
    expect((await store.prune()).dropped).toEqual(expected)
    expect(await abandonedSteps(store)).toEqual([])
  })

  test('is quarantined if it is corrupt, and is abandoned again once it verifies', async () => {
    const backend = new MemoryBackend()
    const store = await rewoundStore(backend)
    const key = (await store.get(24))?.files[0]?.key ?? ''
    await tamper(backend, key, () => Buffer.from('x'))
    const restored = await store.restore(24, { to: await temporaryFolder(), fallback: true })
    expect(restored?.step).toBe(16)
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([24])
    await tamper(backend, key, () => Buffer.from('a'))
    expect((await store.verify()).released).toEqual([24])
    expect(await abandonedSteps(store)).toEqual([24])
    expect(await stepsOf(store)).toEqual([8, 16])
  })
})

test('a dry run of a rewind changes nothing, also in a store that another writer owns', async () => {
  const backend = new MemoryBackend()
  const owner = storeOn(backend)
  await saveAll(owner, [8, 16, 24])
  const reader = storeOn(backend, { mode: 'shared' })
  const { abandoned } = await reader.rewind(8, { dryRun: true })
  expect(abandoned.map(({ step }) => step)).toEqual([16, 24])
  expect((await reader.latest())?.step).toBe(24)
  expect(await codeOf(reader.rewind(8))).toBe('FENCED')
})

test('refuses to rewind to a step that is missing, no step, or abandoned', async () => {
  const store = await rewoundStore(new MemoryBackend())
  expect(await codeOf(store.rewind(9))).toBe('NOT_FOUND')
  expect(await codeOf(store.rewind(9, { dryRun: true }))).toBe('NOT_FOUND')
  expect(await codeOf(store.rewind(-1))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(store.rewind(24))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(storeOn(new MemoryBackend()).rewind(0))).toBe('NOT_FOUND')
})

describe('after the catalog is lost, a repair', () => {
  async function repaired(backend: MemoryBackend): Promise<CheckpointStore> {
    await backend.delete(await keysOf(backend, 'catalog/'))
    await backend.delete(await keysOf(backend, 'pages/'))
    const store = storeOn(backend, { mode: 'shared' })
    await store.repair()
    return store
  }

  test('applies a rewind that no save followed', async () => {
    const backend = new MemoryBackend()
    await rewoundStore(backend)
    const store = await repaired(backend)
    expect((await store.latest())?.step).toBe(16)
    expect(await stepsOf(store)).toEqual([8, 16])
    expect(await abandonedSteps(store)).toEqual([24])
    await store.save({ step: 24, files: others })
    expect((await store.latest())?.step).toBe(24)
  })

  test('gives the metrics of the rewound checkpoint its new place, so that later ones replace them', async () => {
    const backend = new MemoryBackend()
    const before = storeOn(backend, { mode: 'shared', objectives: loss })
    await saveAll(before, [8, 16])
    const known = await keysOf(backend, 'catalog/')
    await before.rewind(8)
    const newest = (await keysOf(backend, 'catalog/')).filter((key) => !known.includes(key))
    for (const key of newest) await tamper(backend, key, () => Buffer.from('damaged'))
    const store = storeOn(backend, { mode: 'shared', objectives: loss })
    await store.repair()
    expect((await store.latest())?.step).toBe(8)
    await store.attach(8, { loss: 1 })
    expect((await store.metrics())[0]).toMatchObject({ step: 8, metrics: { loss: 1 } })
    expect((await store.best())?.step).toBe(8)
  })

  test('applies several rewinds in their order', async () => {
    const backend = new MemoryBackend()
    const before = await rewoundStore(backend, {}, [8, 16, 24, 32])
    await before.save({ step: 17, files })
    await before.save({ step: 18, files })
    await before.rewind(17)
    await before.save({ step: 19, files })
    await before.rewind(8)
    const store = await repaired(backend)
    expect((await store.latest())?.step).toBe(8)
    expect(await stepsOf(store)).toEqual([8])
    expect(await abandonedSteps(store)).toEqual([16, 17, 19])
  })

  test('ignores a rewind that was never committed', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await saveAll(store, [8, 16, 24])
    backend.intercept = (method, key) =>
      (method === 'commit' && key.startsWith('catalog/')) ||
      (method === 'delete' && key.startsWith('rewinds/'))
        ? 'fail before'
        : 'pass'
    expect(await codeOf(store.rewind(8))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    expect(await keysOf(backend, 'rewinds/')).toHaveLength(1)
    await store.save({ step: 32, files })
    await store.save({ step: 40, files })
    const again = await repaired(backend)
    expect((await again.latest())?.step).toBe(40)
    expect(await stepsOf(again)).toEqual([8, 16, 24, 32, 40])
  })
})

test('deletes the document of a rewind that could not be committed', async () => {
  const backend = new FaultyBackend()
  const store = storeOn(backend, { mode: 'shared' })
  await saveAll(store, [8, 16])
  backend.intercept = (method, key) =>
    method === 'commit' && key.startsWith('catalog/') ? 'fail before' : 'pass'
  expect(await codeOf(store.rewind(8))).toBe('UNAVAILABLE')
  backend.intercept = () => 'pass'
  expect(await keysOf(backend, 'rewinds/')).toEqual([])
  expect((await store.latest())?.step).toBe(16)
})

test('sweeps the document of a rewind once nothing listed needs it', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { gracePeriod: 0 })
  await saveAll(store, [8, 16])
  await store.rewind(8)
  await store.save({ step: 9, files })
  await store.rewind(8)
  await store.save({ step: 10, files })
  await store.sweep()
  const swept = await store.sweep()
  expect(swept.foreign).toEqual([])
  expect(await keysOf(backend, 'rewinds/')).toHaveLength(1)
  expect((await store.verify()).good).toBe(true)
})
