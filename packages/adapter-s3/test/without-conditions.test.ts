import { CheckpointStore } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

test.each([
  ['ignored', /does not enforce conditional creation/],
  ['refused', /rejects the condition of a commit \(If-None-Match\), use another store/],
] as const)('stores no checkpoint if conditions of writes are %s', async (conditionalWrites, message) => {
  await using emulator = await startS3Emulator({ buckets: ['bucket'], conditionalWrites })
  const { endpoint, region, credentials } = emulator
  const backend = new S3Backend('bucket', 'a', { endpoint, region, credentials })
  await using store = new CheckpointStore(backend)
  const save = store.save({ step: 1, files: { 'model.bin': Buffer.alloc(100_000, 1) } })
  await expect(save).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  await expect(save).rejects.toThrow(message)
  expect(await Array.fromAsync(backend.list('data/'))).toEqual([])
  expect(await Array.fromAsync(backend.list('catalog/'))).toEqual([])
})
