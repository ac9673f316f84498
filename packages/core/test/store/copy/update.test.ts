import { expect, test } from 'vitest'
import { type CheckpointStore, copyCheckpoints, MemoryBackend } from '../../../src/index.ts'
import { foldingEarly, keysOf, storeOn } from '../../stores.ts'
import { copied, filesOf, inWords, latestStep, newStore, stepsOf, storeWith } from './copies.ts'

test('brings metrics that were attached to the original after it was copied', async () => {
  const from = await storeWith(1, 2)
  const store = newStore()
  await copied(from, store)
  await from.attach(1, { late: 4, loss: 9 })
  expect(await copied(from, store, { dryRun: true })).toEqual(['updated 1', 'there 2'])
  expect((await store.get(1))?.metrics).toEqual({ loss: 1 })
  expect(await copied(from, store)).toEqual(['updated 1', 'there 2'])
  expect((await store.get(1))?.metrics).toEqual({ loss: 9, late: 4 })
  expect((await store.metrics()).map(({ metrics }) => metrics)).toEqual([{ loss: 9, late: 4 }, { loss: 2 }])
  expect(await copied(from, store)).toEqual(['there 1', 'there 2'])
})

test('never sets a metric of an original back to the value that an older copy of it has', async () => {
  const from = await storeWith(1)
  const mirror = newStore()
  await copied(from, mirror)
  await from.attach(1, { loss: 9 })
  await mirror.attach(1, { evaluated: 3 })
  expect(await copied(mirror, from)).toEqual(['updated 1'])
  expect((await from.get(1))?.metrics).toEqual({ loss: 9, evaluated: 3 })
})

test('brings pins that were set later on request, and keeps those of the destination', async () => {
  const from = await storeWith(1, 2)
  const store = newStore()
  await copied(from, store)
  await from.pin(1, 'of the source')
  await from.pin(2, 'of the source')
  await store.pin(2, 'of the destination')
  expect(await copied(from, store)).toEqual(['there 1', 'there 2'])
  expect(await copied(from, store, { pins: true })).toEqual(['updated 1', 'there 2'])
  expect((await store.list()).map(({ pinned }) => pinned?.reason)).toEqual([
    'of the source',
    'of the destination',
  ])
})

test('makes the checkpoint to which the source went back the latest of the destination', async () => {
  const from = await storeWith(8, 16, 24)
  const store = newStore()
  await copied(from, store)
  expect(await latestStep(store)).toBe(24)
  await from.rewind(16)
  expect(await copied(from, store)).toEqual(['there 8', 'updated 16'])
  expect(await latestStep(store)).toBe(16)
  await from.save({ step: 17, files: filesOf(17) })
  expect(await copied(from, store)).toEqual(['there 8', 'there 16', 'copied 17'])
  expect(await latestStep(store)).toBe(17)
  expect((await store.verify()).good).toBe(true)
})

test('brings steps that were saved again after a rewind of the source', async () => {
  const from = await storeWith(8, 16, 24, 32)
  const store = newStore()
  await copied(from, store)
  await store.pin(32, 'for a talk')
  await from.rewind(16)
  await from.save({ step: 24, files: filesOf(240) })
  expect((await copyCheckpoints(from, store, { dryRun: true })).abandonedSteps).toEqual([24, 32])
  expect(await copied(from, store, { dryRun: true })).toEqual(['there 8', 'updated 16', 'copied 24'])
  expect(await stepsOf(store)).toEqual([8, 16, 24, 32])
  const report = await copyCheckpoints(from, store)
  expect(report.outcomes.map(inWords)).toEqual(['there 8', 'updated 16', 'copied 24'])
  expect(report.abandonedSteps).toEqual([24, 32])
  expect(await latestStep(store)).toBe(24)
  expect(await stepsOf(store)).toEqual([8, 16, 24])
  expect((await store.abandoned()).map(({ step }) => step)).toEqual([32])
  expect(await sha256Of(store, 24)).toEqual(await sha256Of(from, 24))
  expect((await copyCheckpoints(from, store)).abandonedSteps).toEqual([])
})

test('does not abandon copies under another step, or when checkpoints are named', async () => {
  const from = await storeWith(8, 16, 24)
  const store = newStore()
  await copied(from, store, { checkpoints: [24], toStep: 1 })
  await copied(from, store, { checkpoints: [24] })
  await from.rewind(16)
  await copied(from, store, { checkpoints: [8] })
  expect(await stepsOf(store)).toEqual([1, 8, 24])
  await copied(from, store)
  expect(await stepsOf(store)).toEqual([1, 8, 16])
})

test('does not take back a later rewind of the destination', async () => {
  const from = await storeWith(8, 16)
  const store = newStore()
  await copied(from, store)
  await store.rewind(8)
  await copied(from, store)
  expect(await latestStep(store)).toBe(8)
})

test('updates copies whose lines are in pages', async () => {
  const from = storeOn(new MemoryBackend(), { mode: 'shared' }, foldingEarly)
  const steps = [1, 2, 3, 4, 5, 6]
  for (const step of steps) await from.save({ step, files: filesOf(step), metrics: { loss: step } })
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
  await copied(from, store)
  await from.attach(1, { late: 1 })
  await from.rewind(2)
  expect(await copied(from, store)).toEqual(['updated 1', 'updated 2'])
  const reopened = storeOn(backend, { mode: 'shared' }, foldingEarly)
  expect(await latestStep(reopened)).toBe(2)
  expect(await stepsOf(reopened)).toEqual([1, 2])
  expect((await reopened.abandoned()).map(({ step }) => step)).toEqual([3, 4, 5, 6])
  expect((await reopened.verify()).good).toBe(true)
  expect(await keysOf(backend, 'data/')).toHaveLength(steps.length * 3)
})

async function sha256Of(store: CheckpointStore, step: number): Promise<readonly string[] | undefined> {
  return (await store.get(step))?.files.map(({ sha256 }) => sha256)
}
