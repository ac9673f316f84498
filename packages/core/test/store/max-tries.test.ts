import { expect, test } from 'vitest'
import { MemoryBackend, type RestoreOptions } from '../../src/index.ts'
import { codeOf, keysOf, storeOn, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a') }

/** A start of a supervised run: another process of the job. */
async function startOf(
  backend: MemoryBackend,
  options: Partial<RestoreOptions> = {},
): Promise<readonly [number | undefined, readonly number[]]> {
  const store = storeOn(backend, { job: 'train' })
  const to = await temporaryFolder()
  const restored = await store.restore('latest', { to, fallback: true, maxTries: 2, ...options })
  await store.close()
  return [restored?.step, restored?.passedOver.map(({ step }) => step) ?? []]
}

async function storeWith(steps: readonly number[]): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { job: 'train' })
  for (const step of steps) await store.save({ step, files })
  await store.close()
  return backend
}

test('skips a checkpoint that was restored too often without a later save, and returns to the one before', async () => {
  const backend = await storeWith([40, 41, 42])
  expect(await startOf(backend)).toEqual([42, []])
  expect(await startOf(backend)).toEqual([42, []])
  expect(await startOf(backend)).toEqual([41, [42]])
  const store = storeOn(backend, { job: 'train' })
  expect((await store.latest())?.step).toBe(41)
  expect((await store.abandoned()).map(({ step }) => step)).toEqual([42])
  await store.save({ step: 42, files: { a: Buffer.from('other') } })
  expect((await store.latest())?.step).toBe(42)
})

test('forgets the restores once a later checkpoint is saved', async () => {
  const backend = await storeWith([40, 41])
  await startOf(backend)
  await startOf(backend)
  const store = storeOn(backend, { job: 'train' })
  await store.save({ step: 42, files })
  await store.delete([42])
  await store.close()
  expect(await startOf(backend)).toEqual([41, []])
})

test('forgets the restores of a checkpoint that is marked as good', async () => {
  const backend = await storeWith([40, 41])
  await startOf(backend)
  await startOf(backend)
  const store = storeOn(backend, { job: 'train' })
  await store.markGood(41)
  await store.close()
  expect(await startOf(backend)).toEqual([41, []])
  expect(await codeOf(storeOn(backend, { job: 'train' }).markGood(7))).toBe('NOT_FOUND')
})

test('does not count restores that do not ask for it', async () => {
  const backend = await storeWith([40, 41])
  const before = await keysOf(backend)
  for (let time = 0; time < 3; time += 1) await startOf(backend, { maxTries: undefined })
  expect(await keysOf(backend)).toEqual(before)
  expect(await startOf(backend)).toEqual([41, []])
})

test('rejects with the steps if every checkpoint was restored too often', async () => {
  const backend = await storeWith([1])
  await startOf(backend)
  await startOf(backend)
  await expect(startOf(backend)).rejects.toMatchObject({ code: 'CORRUPT' })
  expect(await startOf(backend, { maxTries: 3 })).toEqual([1, []])
})

test('writes nothing to a store without a checkpoint', async () => {
  const backend = new MemoryBackend()
  expect(await startOf(backend)).toEqual([undefined, []])
  expect(await keysOf(backend)).toEqual([])
})

test('is rejected for a shared writer, without a fallback, and for another choice than the latest', async () => {
  const backend = await storeWith([1])
  const to = await temporaryFolder()
  const shared = storeOn(backend, { mode: 'shared' })
  expect(await codeOf(shared.restore('latest', { to, fallback: true, maxTries: 2 }))).toBe('INVALID_ARGUMENT')
  const owner = storeOn(backend)
  for (const options of [{ maxTries: 2 }, { maxTries: 0, fallback: true }])
    expect(await codeOf(owner.restore('latest', { to, ...options }))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(owner.restore(1, { to, fallback: true, maxTries: 2 }))).toBe('INVALID_ARGUMENT')
})
