import { expect, test } from 'vitest'
import { CheckpointStore, MemoryBackend } from '../../src/index.ts'
import type { ReadableObject, ReadOptions } from '../../src/backend.ts'

/** Counts reads of manifests. */
class CountingBackend extends MemoryBackend {
  manifests = 0

  override async read(key: string, options?: ReadOptions): Promise<ReadableObject> {
    if (key.endsWith('manifest.json')) this.manifests += 1
    return super.read(key, options)
  }
}

const files = { 'w.bin': Buffer.from('w') }

test('lists small metadata, and none, without reading a manifest', async () => {
  const backend = new CountingBackend()
  await using store = new CheckpointStore(backend)
  await store.save({ step: 1, files, metadata: { source: 'loop', id: 2n ** 60n } })
  await store.save({ step: 2, files: { 'w.bin': Buffer.from('x') } })
  backend.manifests = 0
  const listed = await store.list({ metadata: true })
  expect(listed.map(({ step, metadata }) => [step, metadata])).toEqual([
    [1, { source: 'loop', id: 2n ** 60n }],
    [2, undefined],
  ])
  expect(backend.manifests).toBe(0)
})

test('reads only the manifests with large metadata', async () => {
  const backend = new CountingBackend()
  await using store = new CheckpointStore(backend)
  const large = { text: 'a'.repeat(1000) }
  await store.save({ step: 1, files, metadata: large })
  await store.save({ step: 2, files: { 'w.bin': Buffer.from('x') }, metadata: 'small' })
  backend.manifests = 0
  const listed = await store.list({ metadata: true, orderBy: 'saves' })
  expect(listed.map(({ metadata }) => metadata)).toEqual([large, 'small'])
  expect(backend.manifests).toBe(1)
})

test('keeps the metadata in the list after a repair', async () => {
  const backend = new CountingBackend()
  const store = new CheckpointStore(backend)
  await store.save({ step: 1, files, metadata: 'small' })
  await store.repair()
  const [listed] = await store.list({ metadata: true })
  expect(listed?.metadata).toBe('small')
  await store.close()
})
