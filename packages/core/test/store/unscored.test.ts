import { expect, test } from 'vitest'
import {
  type CheckpointStore,
  MemoryBackend,
  type Objectives,
  type RetentionOptions,
  type UnscoredObjective,
} from '../../src/index.ts'
import { storeOn } from '../stores.ts'

const valLoss = { val_loss: { metric: 'val_loss', direction: 'min' } } as const

function open(
  objectives: Objectives,
  retention: RetentionOptions,
  backend = new MemoryBackend(),
): { readonly store: CheckpointStore; readonly events: readonly UnscoredObjective[] } {
  const events: UnscoredObjective[] = []
  const store = storeOn(backend, { mode: 'shared', objectives, retention })
  store.on('unscored', (event) => events.push(event))
  return { store, events }
}

async function save(store: CheckpointStore, step: number, metrics: Readonly<Record<string, number>> = {}) {
  return store.save({ step, files: { 'model.bin': Buffer.alloc(10, step) }, metrics })
}

async function stepsOf(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

test('keeps every checkpoint while the metric of an objective was never recorded, and warns at each save', async () => {
  const { store, events } = open(valLoss, { keepLast: 1, keepBest: { val_loss: 1 } })
  for (let step = 0; step < 4; step += 1) await save(store, step, { eval_loss: 1 + step, acc: 0.5 })
  expect(await stepsOf(store)).toEqual([0, 1, 2, 3])
  expect((await store.list()).at(0)?.keptBecause).toEqual(['no val_loss yet'])
  expect(events).toHaveLength(4)
  expect(events.at(-1)).toEqual({
    objective: 'val_loss',
    metrics: ['val_loss'],
    recorded: ['acc', 'eval_loss'],
    nearest: 'eval_loss',
  })
  expect(await store.unscored()).toEqual(events.slice(-1))
  expect((await store.prune()).dropped).toEqual([])
  expect(events).toHaveLength(5)
})

test('finds the best among all checkpoints once the metric is recorded, and then drops the others', async () => {
  const { store, events } = open(valLoss, { keepLast: 1, keepBest: { val_loss: 1 } })
  for (let step = 0; step < 4; step += 1) await save(store, step)
  await store.attach(1, { val_loss: 0.5 })
  expect(await stepsOf(store)).toEqual([1, 3])
  await save(store, 4, { val_loss: 0.9 })
  expect(await stepsOf(store)).toEqual([1, 4])
  await save(store, 5)
  expect(await stepsOf(store)).toEqual([1, 5])
  expect(events).toHaveLength(4)
})

test('lets keepUnscored decide about checkpoints without a value once there is a first value', async () => {
  const { store } = open(valLoss, { keepLast: 1, keepBest: { val_loss: 1 }, keepUnscored: '1 h' })
  await save(store, 0, { val_loss: 0.5 })
  for (let step = 1; step < 4; step += 1) await save(store, step)
  expect(await stepsOf(store)).toEqual([0, 1, 2, 3])
  await store.attach(1, { val_loss: 0.7 })
  expect(await stepsOf(store)).toEqual([0, 2, 3])
})

test('applies limits while an objective has no value', async () => {
  const byCount = open(valLoss, { keepBest: { val_loss: 1 }, maxCount: 3 })
  const byBytes = open(valLoss, { keepBest: { val_loss: 1 }, maxBytes: 30 })
  for (const { store } of [byCount, byBytes]) {
    for (let step = 0; step < 6; step += 1) await save(store, step)
    expect(await stepsOf(store)).toEqual([3, 4, 5])
  }
})

test('does not count NaN as a first value, and counts a value of the warm-up', async () => {
  const { store, events } = open(valLoss, { keepLast: 1 })
  for (let step = 0; step < 3; step += 1) await save(store, step, { val_loss: Number.NaN })
  expect(await stepsOf(store)).toEqual([0, 1, 2])
  expect(events.at(-1)).toMatchObject({ recorded: ['val_loss'], nearest: 'val_loss' })
  const warming = open({ val_loss: { ...valLoss.val_loss, warmUp: { step: 100 } } }, { keepLast: 1 })
  for (let step = 0; step < 3; step += 1) await save(warming.store, step, { val_loss: 1 })
  expect(await stepsOf(warming.store)).toEqual([2])
  expect(warming.events).toEqual([])
})

test('waits for a step that has all metrics of an objective made of others', async () => {
  const objectives: Objectives = {
    ...valLoss,
    acc: { metric: 'acc', direction: 'max' },
    both: { weights: { val_loss: 1, acc: 1 } },
    front: { pareto: ['val_loss', 'acc'] },
  }
  const { store, events } = open(objectives, { keepLast: 1 })
  await save(store, 0, { val_loss: 1 })
  expect(events.map(({ objective }) => objective)).toEqual(['acc'])
  await save(store, 1, { acc: 1 })
  expect(events.slice(1).map(({ objective, metrics }) => [objective, metrics])).toEqual([
    ['both', ['acc', 'val_loss']],
    ['front', ['val_loss', 'acc']],
  ])
  await save(store, 2)
  expect(await stepsOf(store)).toEqual([0, 1, 2])
  await save(store, 3, { val_loss: 2, acc: 2 })
  expect(await stepsOf(store)).toEqual([0, 3])
})

test('keeps everything for the objective of another writer until it has a value or is forgotten', async () => {
  const backend = new MemoryBackend()
  const misspelt = { val_los: { metric: 'val_los', direction: 'min' } } as const
  await save(open(misspelt, { keepBest: { val_los: 1 } }, backend).store, 0, { val_loss: 3 })
  const { store } = open(valLoss, { keepBest: { val_loss: 1 } }, backend)
  for (let step = 1; step < 4; step += 1) await save(store, step, { val_loss: step })
  expect(await stepsOf(store)).toEqual([0, 1, 2, 3])
  await store.forgetObjective('val_los')
  await store.prune()
  expect(await stepsOf(store)).toEqual([1, 3])
})
