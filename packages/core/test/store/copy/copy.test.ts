import { describe, expect, test } from 'vitest'
import {
  type CheckpointStore,
  copyCheckpoints,
  MemoryBackend,
  type StoreOptions,
  systemEnvironment,
} from '../../../src/index.ts'
import {
  codeOf,
  FaultyBackend,
  flipBit,
  foldingEarly,
  keysOf,
  storeOn,
  tamper,
  temporaryFolder,
} from '../../stores.ts'
import { resealManifest, to } from '../reseal.ts'
import { copied, dataKeys, filesOf, latestStep, newStore, stepsOf, storeWith } from './copies.ts'

/** Damages the latest checkpoint, which a restore then finds. */
async function quarantine(store: CheckpointStore, step: number): Promise<void> {
  await tamper(store.backend, (await dataKeys(store, step))[0] ?? '', flipBit)
  await store.restore('latest', { to: await temporaryFolder(), fallback: true })
  expect((await store.quarantined()).map((each) => each.step)).toEqual([step])
}

describe('a copy', () => {
  test('has the files and the facts of the checkpoint', async () => {
    const from = await storeWith()
    const facts = { epoch: 2, tags: ['good'], metadata: { lr: 0.1 }, dataState: { position: 640 } }
    await from.save({ step: 7, files: filesOf(7), metrics: { loss: 0.5, odd: NaN }, ...facts })
    const store = newStore()
    const reports: number[] = []
    expect(
      await copied(from, store, { onProgress: ({ bytes, total }) => reports.push(bytes / total) }),
    ).toEqual(['copied 7'])
    const [original, copy] = [await from.get(7), await store.get(7)]
    expect(copy).toEqual({ ...original, files: copy?.files })
    expect(copy?.files.map(({ name, size, sha256 }) => [name, size, sha256])).toEqual(
      original?.files.map(({ name, size, sha256 }) => [name, size, sha256]),
    )
    expect((await store.verify()).good).toBe(true)
    expect(reports.at(-1)).toBe(1)
  })

  test('brings all that is missing, in the order in which it was saved', async () => {
    const from = await storeWith(1, 8, 3, 2)
    const store = newStore()
    await copied(from, store, { checkpoints: [3] })
    expect(await copied(from, store)).toEqual(['copied 1', 'copied 8', 'there 3', 'copied 2'])
    expect(await latestStep(store)).toBe(2)
  })

  test('leaves out a checkpoint that is in quarantine at the source, and refuses it by name', async () => {
    const from = await storeWith(1, 2)
    await quarantine(from, 2)
    const store = newStore()
    expect(await copied(from, store)).toEqual(['copied 1'])
    expect(await codeOf(copied(from, store, { checkpoints: [2] }))).toBe('CORRUPT')
  })

  test('replaces one that is in quarantine at the destination', async () => {
    const from = await storeWith(1, 2)
    const store = newStore()
    await copied(from, store)
    await quarantine(store, 2)
    expect(await copied(from, store)).toEqual(['there 1', 'copied 2'])
    expect((await store.verify({ steps: [2] })).good).toBe(true)
  })

  test('is not made again, and says so', async () => {
    const from = await storeWith(1, 2)
    const backend = new FaultyBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await copied(from, store)
    backend.calls.length = 0
    expect(await copied(from, store)).toEqual(['there 1', 'there 2'])
    expect(backend.calls.filter((call) => call.startsWith('put') || call.startsWith('commit'))).toEqual([])
  })

  test('leaves no agreement and no unfinished work behind', async () => {
    const from = await storeWith(1, 2)
    const store = newStore()
    await copied(from, store)
    await store.flush()
    expect(await keysOf(store.backend, 'agreements/')).toEqual([])
    expect(await store.sweep()).toMatchObject({ objects: 0, unfinished: 0, foreign: [] })
  })

  test('takes the choices in the given order, and another step for one of them', async () => {
    const from = storeOn(new MemoryBackend(), {
      mode: 'shared',
      objectives: { loss: { metric: 'loss', direction: 'min' } },
    })
    for (const step of [1, 2, 3]) await from.save({ step, files: filesOf(step), metrics: { loss: step } })
    const store = newStore()
    expect(await copied(from, store, { checkpoints: [3, 'best:loss', 'latest'] })).toEqual([
      'copied 3',
      'copied 1',
    ])
    const toStep = 100
    expect(await copied(from, store, { checkpoints: ['best'], toStep })).toEqual(['copied 1 to 100'])
    expect(await copied(from, store, { checkpoints: ['best'], toStep })).toEqual(['there 1 to 100'])
    expect(await stepsOf(store)).toEqual([1, 3, 100])
  })

  test('brings pins and metrics of deleted steps on request', async () => {
    const from = await storeWith(1, 2, 3)
    await from.pin(2, 'before lr drop')
    await from.delete([1])
    const plain = newStore()
    await copied(from, plain)
    expect((await plain.list()).map(({ pinned }) => pinned)).toEqual([undefined, undefined])
    expect((await plain.metrics()).map(({ step }) => step)).toEqual([2, 3])
    const store = newStore()
    expect(await copyCheckpoints(from, store, { pins: true, metrics: true })).toMatchObject({
      metricsOfSteps: [1],
    })
    expect((await store.get(2))?.pinned).toEqual((await from.get(2))?.pinned)
    expect((await store.metrics()).map(({ step }) => step)).toEqual([1, 2, 3])
    expect(await copyCheckpoints(from, store, { metrics: true })).toMatchObject({ metricsOfSteps: [] })
  })

  test('has the metrics that were attached after the save', async () => {
    const from = await storeWith(1)
    await from.attach(1, { late: 4 })
    const store = newStore()
    await copied(from, store)
    expect((await store.get(1))?.metrics).toEqual({ loss: 1, late: 4 })
  })

  test('is only reported by a dry run', async () => {
    const from = await storeWith(1, 2)
    const store = newStore()
    expect(await copied(from, store, { dryRun: true })).toEqual(['copied 1', 'copied 2'])
    expect(await keysOf(store.backend)).toEqual([])
    await store.save({ step: 1, files: filesOf(9) })
    const before = await keysOf(store.backend)
    expect(await copied(from, store, { dryRun: true })).toEqual(['failed 1: ALREADY_EXISTS', 'copied 2'])
    expect(await keysOf(store.backend)).toEqual(before)
  })

  test('keeps the unknown members of a newer writer', async () => {
    const backend = new MemoryBackend()
    const from = storeOn(backend, { mode: 'shared' })
    await from.save({ step: 1, files: filesOf(1) })
    await resealManifest(backend, 1, { added: to('by a newer writer') })
    const store = newStore()
    await copied(storeOn(backend, { mode: 'shared' }), store)
    const [key = ''] = (await keysOf(store.backend)).filter((each) => each.endsWith('manifest.json'))
    const { body } = await store.backend.read(key)
    expect(await new Response(body).text()).toContain('"added":"by a newer writer"')
  })

  test('works if the lines of both stores are in pages', async () => {
    const from = storeOn(new MemoryBackend(), { mode: 'shared' }, foldingEarly)
    const steps = [1, 2, 3, 4, 5, 6, 7, 8]
    for (const step of steps) await from.save({ step, files: filesOf(step), metrics: { loss: step } })
    const backend = new MemoryBackend()
    await copied(from, storeOn(backend, { mode: 'shared' }, foldingEarly), { checkpoints: [8, 1, 5, 3] })
    await copied(from, storeOn(backend, { mode: 'shared' }, foldingEarly))
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    expect(await stepsOf(store)).toEqual(steps)
    expect(await latestStep(store)).toBe(8)
    expect((await store.verify()).good).toBe(true)
  })
})

describe('a destination that another writer owns', () => {
  test.each<[string, StoreOptions]>([
    ['a writer without a job', {}],
    ['a job', { job: 'training' }],
  ])('is refused before a byte is stored, if %s owns it', async (_, options) => {
    const from = await storeWith(1, 2)
    const backend = new FaultyBackend()
    await storeOn(backend, options).save({ step: 7, files: filesOf(7) })
    const store = storeOn(backend, { mode: 'shared' })
    const before = await keysOf(backend)
    const refused = { code: 'FENCED', hint: { kind: 'take-over' } }
    await expect(copied(from, store, { dryRun: true })).rejects.toMatchObject(refused)
    backend.calls.length = 0
    await expect(copied(from, store)).rejects.toMatchObject(refused)
    expect(backend.calls.filter((call) => call.startsWith('put data/'))).toEqual([])
    expect(await keysOf(backend)).toEqual(before)
  })

  test('is taken over by a process that may, and a dry run reports that it would be', async () => {
    const from = await storeWith(1)
    const backend = new MemoryBackend()
    await storeOn(backend).save({ step: 7, files: filesOf(7) })
    const store = storeOn(backend, { mode: 'shared', takeOver: true })
    expect(await copied(from, store, { dryRun: true })).toEqual(['copied 1'])
    expect(await copied(from, store)).toEqual(['copied 1'])
  })

  test('is joined by a writer of its job', async () => {
    const from = await storeWith(1)
    const backend = new MemoryBackend()
    await storeOn(backend, { job: 'training' }).save({ step: 7, files: filesOf(7) })
    const store = storeOn(backend, { job: 'training' })
    expect(await copied(from, store, { dryRun: true })).toEqual(['copied 1'])
    expect(await copied(from, store)).toEqual(['copied 1'])
  })
})

describe('a corrupt checkpoint of the source', () => {
  test('is never committed, and the others are copied', async () => {
    const from = await storeWith(1, 2, 3)
    await tamper(from.backend, (await dataKeys(from, 2))[0] ?? '', flipBit)
    const store = newStore()
    expect(await copied(from, store)).toEqual(['copied 1', 'failed 2: CORRUPT', 'copied 3'])
    await store.flush()
    expect(await stepsOf(store)).toEqual([1, 3])
    expect(await keysOf(store.backend, 'data/2-')).toEqual([])
    expect(await keysOf(store.backend, 'agreements/')).toEqual([])
  })

  test.each(['a missing file', 'a truncated file', 'a damaged manifest'])(
    'is found by %s',
    async (damage) => {
      const from = await storeWith(1, 2)
      const [file = ''] = await dataKeys(from, 1)
      if (damage === 'a missing file') await from.backend.delete([file])
      if (damage === 'a truncated file') await tamper(from.backend, file, (bytes) => bytes.subarray(1))
      if (damage === 'a damaged manifest')
        await tamper(from.backend, `${file.split('/').slice(0, 2).join('/')}/manifest.json`, flipBit)
      expect(await copied(from, newStore())).toEqual(['failed 1: CORRUPT', 'copied 2'])
    },
  )

  test('is not read again before retryCorruptAfter, unless the source saves the step again', async () => {
    const source = new FaultyBackend()
    const from = storeOn(source, { mode: 'shared' })
    for (const step of [1, 2]) await from.save({ step, files: filesOf(step) })
    const [file = ''] = await dataKeys(from, 1)
    await tamper(source, file, flipBit)
    let now = new Date('2026-01-01')
    const target = new MemoryBackend()
    const store = storeOn(target, { mode: 'shared' }, { ...systemEnvironment, now: () => now })
    const copyAgain = (): Promise<readonly string[]> => copied(from, store, { retryCorruptAfter: 60_000 })
    const readsOf = async (): Promise<number> => {
      source.calls.length = 0
      expect((await copyAgain())[0]).toBe('failed 1: CORRUPT')
      return source.calls.filter((call) => call.startsWith('read data/1-')).length
    }
    expect(await readsOf()).toBeGreaterThan(0)
    await store.flush()
    const before = await keysOf(target)
    expect([await readsOf(), await readsOf()]).toEqual([0, 0])
    expect(await keysOf(target)).toEqual(before)
    now = new Date(now.getTime() + 60_000)
    expect(await readsOf()).toBeGreaterThan(0)
    await from.save({ step: 1, files: filesOf(10), onExisting: 'replace' })
    expect(await copyAgain()).toContain('copied 1')
  })

  test('is copied once the source is whole again', async () => {
    const from = await storeWith(1)
    const [file = ''] = await dataKeys(from, 1)
    const store = newStore()
    await tamper(from.backend, file, flipBit)
    expect(await copied(from, store)).toEqual(['failed 1: CORRUPT'])
    await tamper(from.backend, file, flipBit)
    expect(await copied(from, store)).toEqual(['copied 1'])
  })

  test('is copied if only its way was damaged', async () => {
    class DamagedOnce extends MemoryBackend {
      reads = 0

      override async read(...parameters: Parameters<MemoryBackend['read']>) {
        const object = await super.read(...parameters)
        if (!parameters[0].endsWith('model.bin')) return object
        this.reads += 1
        if (this.reads > 1) return object
        const bytes = new Uint8Array(await new Response(object.body).arrayBuffer())
        return { ...object, body: new Response(flipBit(bytes)).body ?? object.body }
      }
    }
    const from = storeOn(new DamagedOnce(), { mode: 'shared' })
    await from.save({ step: 1, files: filesOf(1) })
    const store = newStore()
    expect(await copied(from, store)).toEqual(['copied 1'])
    expect((await store.verify()).good).toBe(true)
  })
})

describe('a step that the destination has', () => {
  test('is refused if its files differ, and the others are copied', async () => {
    const from = await storeWith(1, 2)
    const store = newStore()
    await store.save({ step: 1, files: filesOf(9) })
    expect(await copied(from, store)).toEqual(['failed 1: ALREADY_EXISTS', 'copied 2'])
    expect((await store.get(1))?.files[0]?.sha256).not.toBe((await from.get(1))?.files[0]?.sha256)
  })

  test('is replaced on request, unless it is pinned or the best', async () => {
    const from = await storeWith(1, 2, 3)
    const store = storeOn(new MemoryBackend(), {
      mode: 'shared',
      objectives: { loss: { metric: 'loss', direction: 'min' } },
    })
    for (const step of [1, 2, 3]) await store.save({ step, files: filesOf(9), metrics: { loss: 0.9 / step } })
    await store.pin(1)
    expect(await copied(from, store, { onExisting: 'replace' })).toEqual([
      'failed 1: INVALID_ARGUMENT',
      'copied 2',
      'failed 3: INVALID_ARGUMENT',
    ])
    const allowed = { onExisting: 'replace', allowBest: true, checkpoints: [3] } as const
    expect(await copied(from, store, allowed)).toEqual(['copied 3'])
    await store.flush()
    expect((await store.get(3))?.files[0]?.sha256).toBe((await from.get(3))?.files[0]?.sha256)
    expect((await store.verify()).good).toBe(true)
  })

  test('counts as copied if it holds the same files', async () => {
    const from = await storeWith(1)
    const store = await storeWith(1)
    expect(await copied(from, store)).toEqual(['there 1'])
  })
})

describe('copyCheckpoints', () => {
  test('refuses what it cannot do, before it writes', async () => {
    const from = await storeWith(1)
    const store = newStore()
    const refused = async (options: object): Promise<string> => codeOf(copyCheckpoints(from, store, options))
    expect(await refused({ checkpionts: [1] })).toBe('INVALID_ARGUMENT')
    expect(await refused({ toStep: 4 })).toBe('INVALID_ARGUMENT')
    expect(await refused({ toStep: 4, checkpoints: [1, 'latest'] })).toBe('INVALID_ARGUMENT')
    expect(await refused({ toStep: -1, checkpoints: [1] })).toBe('INVALID_ARGUMENT')
    expect(await refused({ checkpoints: [2] })).toBe('NOT_FOUND')
    expect(await refused({ checkpoints: ['best'] })).toBe('INVALID_ARGUMENT')
    expect(await refused({ onExisting: 'skip' })).toBe('INVALID_ARGUMENT')
    expect(await keysOf(store.backend)).toEqual([])
    expect(await codeOf(copyCheckpoints(store, from))).toBe('NOT_FOUND')
    const same = storeOn(from.backend, { mode: 'shared' })
    expect(await codeOf(copyCheckpoints(from, same))).toBe('INVALID_ARGUMENT')
  })

  test('needs the marker of the source, which names the origin of a copy', async () => {
    const from = await storeWith(1)
    await from.backend.delete(['holdfast.json'])
    const reopened = storeOn(from.backend, { mode: 'shared' })
    expect(await codeOf(copyCheckpoints(reopened, newStore()))).toBe('CORRUPT')
    await reopened.repair()
    expect(await copied(reopened, newStore())).toEqual(['copied 1'])
  })

  test('writes nothing to the source', async () => {
    const from = await storeWith(1, 2)
    const before = await keysOf(from.backend)
    await copied(storeOn(from.backend), newStore())
    expect(await keysOf(from.backend)).toEqual(before)
  })

  test('emits an event and passes the outcome of each checkpoint', async () => {
    const from = await storeWith(1, 2)
    const store = newStore()
    const events: unknown[] = []
    store.on('copied', (event) => events.push(event))
    await copyCheckpoints(from, store, { onOutcome: ({ kind, step }) => events.push(`${kind} ${step}`) })
    expect(events).toMatchObject([{ step: 1, from: from.url }, 'copied 1', { step: 2 }, 'copied 2'])
  })
})
