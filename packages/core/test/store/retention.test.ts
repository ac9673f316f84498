import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CheckpointStore, MemoryBackend, type StoreOptions } from '../../src/index.ts'
import { sha256Hex } from '../../src/integrity/index.ts'
import {
  encodeManifest,
  objectKey,
  manifestKey,
  newAttemptId,
  newManifest,
} from '../../src/catalog/documents/index.ts'
import { codeOf, foldingEarly } from '../stores.ts'

const objectives = {
  loss: { metric: 'loss', direction: 'min', smoothing: { average: 3 } },
  pck: { metric: 'pck', direction: 'max' },
  both: { weights: { loss: 1, pck: 1 } },
} as const

function open(backend = new MemoryBackend(), options: StoreOptions = {}): CheckpointStore {
  return new CheckpointStore(backend, { objectives, ...options })
}

async function save(store: CheckpointStore, step: number, metrics: Readonly<Record<string, number>> = {}) {
  return store.save({ step, epoch: step, files: { 'model.bin': Buffer.alloc(100, step) }, metrics })
}

async function stepsOf(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

/** Returns the attempts that have an object in the store. */
async function attemptsIn(backend: MemoryBackend): Promise<number> {
  const keys = await Array.fromAsync(backend.list('data/'))
  return new Set(keys.map(({ key }) => key.split('/')[1])).size
}

test('keeps only the last five and the best of 300 epochs with two noisy metrics, each with its reason', async () => {
  const backend = new MemoryBackend()
  const store = open(backend, { retention: { keepLast: 5, keepBest: { loss: 1, pck: 1, both: 1 } } })
  let seed = 7
  const noise = (): number => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  for (let epoch = 1; epoch <= 300; epoch += 1) {
    const saved = await save(store, epoch, { loss: 1 / epoch + noise() / 5, pck: epoch / 400 + noise() / 5 })
    const listed = await store.list()
    expect(listed.length).toBeLessThanOrEqual(8)
    await store.flush()
    expect(await attemptsIn(backend)).toBe(listed.length)
    expect(listed.every(({ keptBecause }) => keptBecause.length > 0)).toBe(true)
    for (const { because } of saved.dropped) expect(because).toBe('not among the last 5, not best')
  }
  const steps = await stepsOf(store)
  expect(steps.slice(-5)).toEqual([296, 297, 298, 299, 300])
  for (const name of ['loss', 'pck', 'both']) expect(steps).toContain((await store.best(name))?.step)
  expect(await store.metrics()).toHaveLength(300)
  await store.close()
})

test('latest, best and the list always agree, also after a restart', async () => {
  const backend = new MemoryBackend()
  const values = Array.from({ length: 20 }, (_, index) => Math.sin(index * 1.7))
  const one = open(new MemoryBackend())
  for (const [step, loss] of values.entries()) await save(one, step, { loss })
  for (const [step, loss] of values.entries()) {
    const store = open(backend)
    await save(store, step, { loss })
    await store.close()
  }
  const resumed = open(backend)
  const scores = (list: Awaited<ReturnType<CheckpointStore['list']>>): readonly unknown[] =>
    list.map(({ step, scores: judged, bestOf }) => ({ step, judged, bestOf }))
  expect(scores(await resumed.list())).toEqual(scores(await one.list()))
  await resumed.close()
  await one.close()
})

test('continues the smoothing from an older step if the run goes back to it', async () => {
  const store = open()
  for (const [step, loss] of [4, 2, 6, 100, 100].entries()) await save(store, step, { loss })
  await store.save({
    step: 3,
    onExisting: 'replace',
    files: { 'model.bin': Buffer.from('x') },
    metrics: { loss: 1 },
  })
  expect((await store.get(3))?.scores['loss']).toBe(3)
  await store.close()
})

test('counts a plateau in the order of recording if a run goes back, also after a restart', async () => {
  const backend = new MemoryBackend()
  const options = { objectives: { loss: { metric: 'loss', direction: 'min', patience: 3 } } } as const
  const first = new CheckpointStore(backend, options, foldingEarly)
  for (let step = 0; step < 10; step += 1) await save(first, step * 10, { loss: step < 4 ? 10 - step : 9 })
  expect(await first.plateau('loss')).toMatchObject({ best: { step: 30 }, valuesSince: 6, reached: true })
  await first.close()
  const resumed = new CheckpointStore(backend, options, foldingEarly)
  for (const [step, loss] of [
    [35, 6],
    [45, 5],
    [55, 4],
  ] as const) {
    await save(resumed, step, { loss })
    expect(await resumed.plateau('loss')).toMatchObject({ best: { step }, valuesSince: 0, reached: false })
  }
  // A late evaluation counts from the time of the save of its checkpoint.
  await save(resumed, 65)
  await save(resumed, 66, { loss: 7 })
  await resumed.attach(65, { loss: 8 })
  await resumed.attach(55, { pck: 1 })
  expect(await resumed.plateau('loss')).toMatchObject({ best: { step: 55 }, valuesSince: 2, stepsSince: 11 })
  await resumed.close()
})

test('decides the best again in the commit that attaches a metric', async () => {
  const store = open(new MemoryBackend(), {
    objectives: { pck: { metric: 'pck', direction: 'max' } },
    retention: { keepLast: 1, keepBest: { pck: 1 }, keepUnscored: '1 h' },
  })
  await save(store, 1, { pck: 0.5 })
  await save(store, 2)
  await save(store, 3)
  expect(await stepsOf(store)).toEqual([1, 2, 3])
  expect((await store.get(2))?.keptBecause).toEqual(['waits for pck'])
  const { checkpoint, dropped } = await store.attach(2, { pck: 0.9 })
  expect(checkpoint?.bestOf).toEqual(['pck'])
  expect(dropped.map(({ step }) => step)).toEqual([1])
  expect((await store.best('pck'))?.step).toBe(2)
  expect(await codeOf(store.attach(9, { pck: 1 }))).toBe('NOT_FOUND')
  expect(await codeOf(store.attach(2, { pck: 'high' as unknown as number }))).toBe('INVALID_ARGUMENT')
  const gone = await store.attach(2, { pck: 0.1 })
  expect(gone.checkpoint?.bestOf).toEqual(['pck'])
  await store.close()
})

test('records NaN as NaN, reports it, and never chooses it as the best', async () => {
  const store = open(new MemoryBackend(), { objectives: { loss: { metric: 'loss', direction: 'min' } } })
  const told: unknown[] = []
  const best: unknown[] = []
  store.on('notFinite', (event) => told.push(event)).on('best', (event) => best.push(event))
  await save(store, 1, { loss: Number.NaN })
  await save(store, 2, { loss: 3 })
  await save(store, 3, { loss: -Infinity })
  expect((await store.best())?.step).toBe(2)
  expect(told).toEqual([
    { step: 1, metric: 'loss', value: Number.NaN },
    { step: 3, metric: 'loss', value: -Infinity },
  ])
  expect(best).toEqual([{ objective: 'loss', step: 2, value: 3 }])
  expect((await store.metrics())[0]?.metrics['loss']).toBeNaN()
  await store.close()
})

test('refuses to delete the pinned, the best and the newest checkpoint, with the reason', async () => {
  const store = open(new MemoryBackend(), { objectives: { loss: { metric: 'loss', direction: 'min' } } })
  for (const [step, loss] of [3, 1, 2].entries()) await save(store, step, { loss })
  await store.pin(0, 'before the change')
  await expect(store.delete([0])).rejects.toThrow(/pinned/)
  await expect(store.delete([1])).rejects.toThrow(/best loss/)
  expect(await store.delete([1], { allowBest: true })).toEqual([{ step: 1, because: 'deleted by hand' }])
  expect((await store.best())?.step).toBe(2)
  await store.close()
})

test('refuses to replace a pinned checkpoint or the best one, and writes nothing', async () => {
  const backend = new MemoryBackend()
  const store = open(backend, { objectives: { loss: { metric: 'loss', direction: 'min' } } })
  for (const [step, loss] of [3, 1, 2].entries()) await save(store, step, { loss })
  await store.pin(0, 'paper submission')
  const before = (await Array.fromAsync(backend.list(''))).map(({ key }) => key)
  const replacing = (step: number, allowBest?: boolean): Promise<unknown> =>
    store.save({ step, files: { 'model.bin': Buffer.from('other') }, onExisting: 'replace', allowBest })
  await expect(replacing(0, true)).rejects.toThrow('Step 0 is pinned. Unpin it first.')
  await expect(replacing(1)).rejects.toThrow(/Step 1 is the best loss.*allowBest/)
  expect((await Array.fromAsync(backend.list(''))).map(({ key }) => key)).toEqual(before)
  await replacing(1, true)
  await replacing(2, true)
  await store.unpin(0)
  await replacing(0, true)
  expect((await store.list()).map(({ pinned }) => pinned)).toEqual([undefined, undefined, undefined])
  await store.close()
})

test('does not delete a checkpoint that another writer made the best meanwhile', async () => {
  const backend = new AttachingBackend()
  const options = { mode: 'shared', objectives: { loss: { metric: 'loss', direction: 'min' } } } as const
  const evaluator = open(backend, options)
  await using deleter = open(backend, options)
  for (const [step, loss] of [3, 2, 4].entries()) await save(deleter, step, { loss })
  backend.beforeCommit = async () => {
    await evaluator.attach(0, { loss: 1 })
    await evaluator.close()
  }
  await expect(deleter.delete([0])).rejects.toThrow(/Step 0 is the best loss/)
  expect(await stepsOf(deleter)).toEqual([0, 1, 2])
})

/** Lets another writer commit first, once. */
class AttachingBackend extends MemoryBackend {
  beforeCommit: (() => Promise<void>) | undefined

  override async commit(...given: Parameters<MemoryBackend['commit']>) {
    const before = this.beforeCommit
    this.beforeCommit = undefined
    await before?.()
    return super.commit(...given)
  }
}

test('a store without options knows the recorded best and drops nothing, and one with a retention keeps that best', async () => {
  const backend = new MemoryBackend()
  const trainer = open(backend, { retention: { keepLast: 2, keepBest: { pck: 1 } } })
  for (const [step, pck] of [9, 1, 2, 3].entries()) await save(trainer, step, { pck, loss: 9 - pck })
  await trainer.close()
  const reader = new CheckpointStore(backend, { mode: 'shared' })
  expect((await reader.best('pck'))?.step).toBe(0)
  expect((await reader.list()).map(({ keptBecause }) => keptBecause)).toEqual([
    ['best pck', 'best loss', 'best both'],
    ['last 2'],
    ['last 2'],
  ])
  expect((await save(reader, 4)).dropped).toEqual([])
  await reader.close()
  const other = new CheckpointStore(backend, { mode: 'shared', retention: { keepLast: 1 } })
  expect((await other.prune()).dropped.map(({ step }) => step)).toEqual([2, 3])
  expect(await stepsOf(other)).toEqual([0, 4])
  await other.close()
})

test('prune explains every decision, and changes nothing in a dry run or a second run', async () => {
  const backend = new MemoryBackend()
  const store = open(backend, { mode: 'shared' })
  for (let step = 0; step < 6; step += 1)
    await save(store, step, step === 1 ? { pck: 9, loss: 0 } : { pck: step, loss: 9 })
  await store.close()
  const pruner = open(backend, { mode: 'shared', retention: { keepLast: 2 } })
  const planned = await pruner.prune({ dryRun: true })
  expect(planned.dropped.map(({ step, because }) => [step, because])).toEqual(
    [0, 2, 3].map((step) => [step, 'not among the last 2']),
  )
  expect(await stepsOf(pruner)).toHaveLength(6)
  expect(await pruner.prune()).toEqual(planned)
  expect((await pruner.prune()).dropped).toEqual([])
  expect(planned.kept).toContainEqual({ step: 1, because: ['best loss', 'best pck', 'best both'] })
  await pruner.close()
})

test('keeps the bytes of dropped checkpoints until the end of the grace period, also in a sweep', async () => {
  let now = Date.UTC(2026, 0, 1)
  const backend = new MemoryBackend('mem:', () => new Date(now))
  const { systemEnvironment } = await import('../../src/index.ts')
  const store = new CheckpointStore(
    backend,
    { retention: { keepLast: 1, grace: '10 min' } },
    { ...systemEnvironment, now: () => new Date(now) },
  )
  await save(store, 1)
  await save(store, 2)
  await store.sweep()
  expect(await stepsOf(store)).toEqual([2])
  expect(await attemptsIn(backend)).toBe(2)
  now += 11 * 60_000
  await save(store, 3)
  await store.flush()
  expect(await attemptsIn(backend)).toBe(2)
  await store.sweep()
  expect(await attemptsIn(backend)).toBe(2)
  now += 11 * 60_000
  await store.sweep()
  expect(await attemptsIn(backend)).toBe(1)
  await store.close()
})

test('refuses a misspelt objective in the retention, when compiled and when run', async () => {
  const { openStore } = await import('../../src/index.ts')
  const misspelt = openStore('mem:', {
    objectives: { loss: { metric: 'loss', direction: 'min' } },
    // @ts-expect-error -- there is no objective with that name
    retention: { keepBest: { los: 1 } },
  })
  await expect(misspelt).rejects.toThrow(/"los", which is not a defined objective/)
})

test('plateau counts all values recorded since the best, including those of dropped checkpoints', async () => {
  const store = open(new MemoryBackend(), {
    objectives: {
      loss: { metric: 'loss', direction: 'min', patience: 2 },
      front: { pareto: ['loss', 'pck'] },
      pck: { metric: 'pck', direction: 'max' },
    },
  })
  for (const [step, loss] of [3, 1, 2, 2].entries()) await save(store, step, { loss, pck: step })
  expect(await store.plateau('loss')).toMatchObject({ valuesSince: 2, stepsSince: 2, reached: true })
  expect(await codeOf(store.plateau('front'))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(store.plateau('los'))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(store.best('front'))).toBe('INVALID_ARGUMENT')
  expect(
    (await store.list()).filter(({ bestOf }) => bestOf.includes('front')).map(({ step }) => step),
  ).toEqual([1, 3])
  await store.close()
})

/**
 * Creates a store with this number of checkpoints with one file each. Saves would take too long, so it writes the
 * attempts as saves would, and a repair lists them. A repair of a lost catalog would also pin them, so the first one is saved.
 */
async function grow(backend: MemoryBackend, checkpoints: number): Promise<void> {
  const bytes = Buffer.from('the weights')
  const file = { name: 'model.bin', object: 'model.bin', size: bytes.byteLength, sha256: sha256Hex(bytes) }
  await using store = new CheckpointStore(backend, { mode: 'shared' })
  await save(store, 0)
  for (let step = 1; step < checkpoints; step += 1) {
    const attempt = newAttemptId(step, 1, step.toString(16).padStart(16, '0'))
    const savedAt = new Date(step).toISOString()
    const order = { segment: 0, base: 1 }
    const manifest = newManifest({ attempt, step, savedAt, order, files: [file], metrics: {}, tags: [] })
    await backend.commit(objectKey(attempt, file.object), bytes)
    await backend.commit(manifestKey(attempt), encodeManifest(manifest))
  }
  expect((await store.repair()).recovered).toHaveLength(checkpoints - 1)
}

test('prunes 9,990 of 10,000 checkpoints with requests for batches, not for single checkpoints', async () => {
  const backend = new CountingBackend()
  await grow(backend, 10_000)
  backend.requests = noRequests
  await using pruner = new CheckpointStore(backend, { mode: 'shared', retention: { keepLast: 10 } })
  expect((await pruner.prune()).dropped).toHaveLength(9990)
  const { requests } = backend
  const batches = (2 * 10_000) / keysPerRequest
  expect(requests.delete).toBeLessThanOrEqual(batches + 1)
  expect(requests.list).toBeLessThanOrEqual(batches + 10)
  expect(requests.read).toBeLessThan(200) // the catalog, with 64 lines in each page
  expect(requests.write).toBeLessThan(10)
  expect(await attemptsIn(backend)).toBe(10)
})

/** The number of keys in one page of a list and in one batch of a delete, as in object stores. */
const keysPerRequest = 1000

const noRequests = { write: 0, read: 0, list: 0, delete: 0 }

/** Counts the requests that an object store would get. */
class CountingBackend extends MemoryBackend {
  requests = noRequests

  override async commit(...given: Parameters<MemoryBackend['commit']>) {
    this.#count('write', 1)
    return super.commit(...given)
  }

  override async put(...given: Parameters<MemoryBackend['put']>) {
    this.#count('write', 1)
    return super.put(...given)
  }

  override async read(...given: Parameters<MemoryBackend['read']>) {
    this.#count('read', 1)
    return super.read(...given)
  }

  override async delete(...given: Parameters<MemoryBackend['delete']>) {
    this.#count('delete', Math.ceil(given[0].length / keysPerRequest))
    return super.delete(...given)
  }

  override async *list(...given: Parameters<MemoryBackend['list']>) {
    let listed = 0
    for await (const found of super.list(...given)) {
      if (listed % keysPerRequest === 0) this.#count('list', 1)
      listed += 1
      yield found
    }
    if (listed === 0) this.#count('list', 1)
  }

  #count(kind: keyof typeof noRequests, more: number): void {
    this.requests = { ...this.requests, [kind]: this.requests[kind] + more }
  }
}

test('never deletes a kept checkpoint, for any sequence of saves, attaches and prunes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          kind: fc.constantFrom('save', 'save', 'save', 'attach', 'prune', 'pin'),
          loss: fc.nat(20),
          keepLast: fc.integer({ min: 1, max: 4 }),
        }),
        { maxLength: 25 },
      ),
      async (operations) => {
        const backend = new MemoryBackend()
        let step = 0
        for (const { kind, loss, keepLast } of operations) {
          const store = open(backend, { mode: 'shared', retention: { keepLast } })
          const before = await store.list()
          const any = before[loss % Math.max(1, before.length)]?.step
          if (kind === 'save') await save(store, (step += 1), { loss })
          else if (kind === 'attach' && any !== undefined) await store.attach(any, { pck: loss })
          else if (kind === 'pin' && any !== undefined) await store.pin(any)
          else if (kind === 'prune') {
            const { kept } = await store.prune()
            expect(await stepsOf(store)).toEqual(kept.map((each) => each.step))
          }
          expect((await store.verify()).good).toBe(true)
          await store.close()
        }
      },
    ),
    { numRuns: 150 },
  )
})
