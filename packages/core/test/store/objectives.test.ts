import { expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend, type Objectives, type StoreOptions } from '../../src/index.ts'
import { codeOf, foldingEarly, keysOf, storeOn } from '../stores.ts'

const valLoss = { val_loss: { metric: 'val_loss', direction: 'min' } } as const
const accuracy = { acc: { metric: 'acc', direction: 'max' } } as const
const f1 = { f1: { metric: 'f1', direction: 'max' } } as const

const keepBestLoss: StoreOptions = {
  mode: 'shared',
  objectives: valLoss,
  retention: { keepLast: 2, keepBest: { val_loss: 1 } },
}

async function save(store: CheckpointStore, step: number, metrics: Readonly<Record<string, number>> = {}) {
  return store.save({ step, files: { 'model.bin': Buffer.from([step]) }, metrics })
}

async function stepsOf(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

/** Returns every objective of a reader without options, with its best step. */
async function bestIn(backend: MemoryBackend): Promise<Readonly<Record<string, number>>> {
  const listed = await storeOn(backend, { mode: 'shared' }).list()
  return Object.fromEntries(listed.flatMap(({ step, bestOf }) => bestOf.map((name) => [name, step])))
}

test('keeps the best of a trainer and of two evaluators that write concurrently', async () => {
  const backend = new MemoryBackend()
  const trainer = storeOn(backend, keepBestLoss, foldingEarly)
  const evaluators = [accuracy, f1].map((objectives: Objectives) => {
    const [name = ''] = Object.keys(objectives)
    const store = storeOn(backend, { mode: 'shared', objectives, retention: { keepLast: 1 } }, foldingEarly)
    return { name, store }
  })
  // Earlier checkpoints are better by every metric, so the newest is never the best.
  await save(trainer, 0, { val_loss: 0 })
  for (let step = 1; step < 8; step += 1) {
    await Promise.all([
      save(trainer, step, { val_loss: step }),
      ...evaluators.map(({ name, store }) => store.attach(0, { [name]: 100 })),
      ...evaluators.map(({ name, store }) => store.attach(step - 1, { [name]: 50 - step })),
    ])
  }
  expect(await bestIn(backend)).toEqual({ val_loss: 0, acc: 0, f1: 0 })
  expect(await stepsOf(trainer)).toEqual([0, 6, 7])
  expect((await trainer.verify()).good).toBe(true)
})

test('fences evaluators while an exclusive trainer writes, and keeps its best once they may attach', async () => {
  const backend = new MemoryBackend()
  const trainer = storeOn(backend, { ...keepBestLoss, mode: 'exclusive' })
  const open = (objectives: Objectives): CheckpointStore =>
    storeOn(backend, { mode: 'shared', objectives, retention: { keepLast: 1 } })
  for (let step = 0; step < 4; step += 1) {
    const attached = step === 0 ? [] : [open(accuracy).attach(0, { acc: 1 }), open(f1).attach(0, { f1: 1 })]
    const [, ...codes] = await Promise.all([save(trainer, step, { val_loss: step }), ...attached.map(codeOf)])
    expect(codes).toEqual(attached.map(() => 'FENCED'))
  }
  await trainer.close()
  await Promise.all([open(accuracy).attach(2, { acc: 1 }), open(f1).attach(3, { f1: 1 })])
  expect(await bestIn(backend)).toEqual({ val_loss: 0, acc: 2, f1: 3 })
  expect((await storeOn(backend, { mode: 'shared', retention: { keepLast: 1 } }).prune()).dropped).toEqual([])
})

test('refuses an objective that contradicts the recorded one, before a byte is written', async () => {
  const backend = new MemoryBackend()
  await save(storeOn(backend, keepBestLoss), 1, { val_loss: 1, loss: 1 })
  const before = await keysOf(backend)
  const contradictions: readonly Objectives[] = [
    { val_loss: { metric: 'val_loss', direction: 'max' } },
    { val_loss: { metric: 'loss', direction: 'min' } },
    { val_loss: { metric: 'val_loss', direction: 'min', smoothing: { average: 3 } } },
    { loss: { metric: 'loss', direction: 'min' }, val_loss: { weights: { loss: 1 } } },
  ]
  for (const objectives of contradictions) {
    const store = storeOn(backend, { mode: 'shared', objectives, retention: { keepLast: 1 } })
    const refused = [
      save(store, 2),
      store.attach(1, { val_loss: 2 }),
      store.prune(),
      store.prune({ dryRun: true }),
      store.delete([1], { allowBest: true }),
    ]
    for (const call of refused) {
      await expect(call).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(/"val_loss" is recorded.*"direction":"min".*defined here/) as string,
        hint: { kind: 'forget-objective', name: 'val_loss' },
        url: store.url,
      })
    }
  }
  expect(await keysOf(backend)).toEqual(before)
})

test('accepts the same objective in other words', async () => {
  const backend = new MemoryBackend()
  const both = { weights: { val_loss: 1, acc: 2 } }
  const front = { pareto: ['val_loss', 'acc'] }
  const one = storeOn(backend, { mode: 'shared', objectives: { ...valLoss, ...accuracy, both, front } })
  await save(one, 1)
  const objectives: Objectives = {
    front: { pareto: ['acc', 'val_loss'] },
    both: { normalisation: 'minmax', minDelta: 0, ties: 'earlier', weights: { acc: 2, val_loss: 1 } },
    acc: { direction: 'max', metric: 'acc', warmUp: {}, patience: undefined },
    val_loss: { direction: 'min', metric: 'val_loss' },
  }
  await save(storeOn(backend, { mode: 'shared', objectives }), 2)
})

test('drops by the retention of the last save in an attach, and not by its own', async () => {
  const backend = new MemoryBackend()
  const trainer = storeOn(backend, {
    ...keepBestLoss,
    retention: { keepLast: 1, keepBest: { val_loss: 1 }, keepUnscored: '1 h' },
  })
  await save(trainer, 0, { val_loss: 5 })
  for (let step = 1; step < 4; step += 1) await save(trainer, step)
  expect(await stepsOf(trainer)).toEqual([0, 1, 2, 3])
  const evaluator = storeOn(backend, { mode: 'shared', retention: { keepLast: 1 } })
  expect((await evaluator.attach(1, { val_loss: 6 })).dropped.map(({ step }) => step)).toEqual([1])
  expect((await storeOn(backend, { mode: 'shared' }).attach(2, { val_loss: 7 })).dropped).toMatchObject([
    { step: 2 },
  ])
  // Neither they nor a prune with another retention change the retention of the next attach.
  await storeOn(backend, { mode: 'shared', retention: { keepLast: 3 } }).prune()
  await save(trainer, 4)
  expect((await evaluator.attach(3, { val_loss: 1 })).dropped.map(({ step }) => step)).toEqual([0])
  expect(await stepsOf(trainer)).toEqual([3, 4])
})

test('drops nothing in an attach if no save had a retention, or if it was a function', async () => {
  const evaluation: StoreOptions = { mode: 'shared', retention: { keepLast: 1 } }
  const keepsAll = new MemoryBackend()
  const recording = storeOn(keepsAll, { mode: 'shared' })
  for (let step = 0; step < 4; step += 1) await save(recording, step)
  expect((await storeOn(keepsAll, evaluation).attach(0, { acc: 1 })).dropped).toEqual([])

  const inCode = new MemoryBackend()
  const retention = { keepLast: 1, keep: ({ step }: { step: number }) => (step < 2 ? 'early' : undefined) }
  const trainer = storeOn(inCode, { mode: 'shared', retention })
  for (let step = 0; step < 4; step += 1) await save(trainer, step)
  expect(await stepsOf(trainer)).toEqual([0, 1, 3])
  expect((await storeOn(inCode, evaluation).attach(0, { acc: 1 })).dropped).toEqual([])
  expect((await storeOn(inCode, { mode: 'shared' }).attach(0, { acc: 1 })).dropped).toEqual([])
  expect((await trainer.attach(0, { acc: 1 })).dropped).toEqual([])
  expect(await stepsOf(trainer)).toEqual([0, 1, 3])
})

test('forgets an objective, which can then be defined again and keeps no checkpoint', async () => {
  const backend = new MemoryBackend()
  await save(storeOn(backend, keepBestLoss), 0, { val_loss: 0 })
  const both = { ...valLoss, ...accuracy, both: { weights: { val_loss: 1, acc: 1 } } }
  const evaluator = storeOn(backend, { mode: 'shared', objectives: both })
  await evaluator.attach(0, { acc: 1 })
  expect(await codeOf(evaluator.forgetObjective('loss'))).toBe('NOT_FOUND')
  expect(await codeOf(evaluator.forgetObjective('toString'))).toBe('NOT_FOUND')
  await expect(evaluator.forgetObjective('val_loss')).rejects.toThrow(/"both" contains "val_loss"/)
  const other = storeOn(backend, { mode: 'shared' })
  await other.forgetObjective('both')
  await other.forgetObjective('val_loss')
  expect(await bestIn(backend)).toEqual({ acc: 0 })
  // The recorded retention is incomplete, so nothing else of it changes.
  for (let step = 1; step < 4; step += 1) await save(other, step)
  expect((await other.attach(3, { acc: 2 })).dropped.map(({ step }) => step)).toEqual([0, 1])
  const objectives: Objectives = { val_loss: { metric: 'val_loss', direction: 'max' } }
  await storeOn(backend, { mode: 'shared', objectives }).attach(3, { val_loss: 1 })
  expect(await bestIn(backend)).toEqual({ acc: 3, val_loss: 3 })
})

test('keeps everything in an attach after the only objective of the recorded retention is forgotten', async () => {
  const backend = new MemoryBackend()
  const retention = { keepBest: { val_loss: 1 } }
  const trainer = storeOn(backend, { mode: 'shared', objectives: valLoss, retention })
  await save(trainer, 0, { val_loss: 0 })
  const other = storeOn(backend, { mode: 'shared' })
  await other.forgetObjective('val_loss')
  for (let step = 1; step < 4; step += 1) await save(other, step)
  expect((await other.attach(3, { acc: 2 })).dropped).toEqual([])
})

test("uses the only objective of this process for 'best' if the store records others", async () => {
  const backend = new MemoryBackend()
  const trainer = storeOn(backend, { ...keepBestLoss, retention: {} })
  for (let step = 0; step < 3; step += 1) await save(trainer, step, { val_loss: step })
  const evaluator = storeOn(backend, { mode: 'shared', objectives: accuracy })
  await evaluator.attach(1, { acc: 1 })
  expect((await trainer.best())?.step).toBe(0)
  expect((await evaluator.best())?.step).toBe(1)
  expect((await evaluator.best('val_loss'))?.step).toBe(0)
  expect(await codeOf(storeOn(backend, { mode: 'shared' }).best())).toBe('INVALID_ARGUMENT')
})
