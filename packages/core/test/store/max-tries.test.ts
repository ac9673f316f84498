import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type Environment,
  HoldfastError,
  MemoryBackend,
  type RestoreOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { type Deliver, deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { codeOf, keysOf, storeOn, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a') }

/** A start of a supervised run: another process of the job. */
async function startOf(
  backend: MemoryBackend,
  options: Partial<RestoreOptions> = {},
  environment: Environment = systemEnvironment,
): Promise<readonly [number | undefined, readonly number[]]> {
  await using store = storeOn(backend, { job: 'train' }, environment)
  const to = await temporaryFolder()
  const restored = await store.restore('latest', { to, fallback: true, maxTries: 2, ...options })
  return [restored?.step, restored?.passedOver.map(({ step }) => step) ?? []]
}

/** Returns a path below a file, where nothing can be restored. */
async function belowFile(): Promise<string> {
  const file = join(await temporaryFolder(), 'file')
  await writeFile(file, '')
  return join(file, 'to')
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

test('does not count a restore that fails before its files are verified', async () => {
  const backend = await storeWith([40, 41])
  const to = await belowFile()
  for (let time = 0; time < 3; time += 1)
    expect(await codeOf(startOf(backend, { to }))).toBe('INVALID_ARGUMENT')
  expect(await startOf(backend)).toEqual([41, []])
})

test('does not step back if the restore fails', async () => {
  const backend = await storeWith([40, 41])
  await startOf(backend)
  await startOf(backend)
  expect(await codeOf(startOf(backend, { to: await belowFile() }))).toBe('INVALID_ARGUMENT')
  const reader = storeOn(backend, { mode: 'shared' })
  expect((await reader.latest())?.step).toBe(41)
  expect(await reader.abandoned()).toEqual([])
})

test('counts a restore whose process ends before the first file is delivered', async () => {
  const backend = await storeWith([40, 41])
  const killed: Deliver = async (to, deliveries, options) =>
    deliverToDirectory(to, deliveries, {
      ...options,
      beforeExchange: async () => {
        await options.beforeExchange?.()
        expect((await readdir(to, { recursive: true })).filter((name) => !name.startsWith('.'))).toEqual([])
        throw new HoldfastError('ABORTED', 'The process was killed.')
      },
    })
  for (let time = 0; time < 2; time += 1)
    expect(await codeOf(startOf(backend, {}, { ...systemEnvironment, deliver: killed }))).toBe('ABORTED')
  expect(await startOf(backend)).toEqual([40, [41]])
})

test('does not return to an older checkpoint after another process of the job has saved', async () => {
  const backend = await storeWith([1, 2])
  await startOf(backend)
  await startOf(backend)
  const overtaken: Deliver = async (to, deliveries, options) => {
    expect((await startOf(backend))[0]).toBe(1)
    await using store = storeOn(backend, { job: 'train' })
    for (const step of [2, 3]) await store.save({ step, files })
    return await deliverToDirectory(to, deliveries, options)
  }
  expect(await codeOf(startOf(backend, {}, { ...systemEnvironment, deliver: overtaken }))).toBe('FENCED')
  const store = storeOn(backend, { job: 'train' })
  expect((await store.latest())?.step).toBe(3)
  await store.save({ step: 4, files })
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3, 4])
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
