import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend } from '../../src/index.ts'
import { foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a') }

/** A stream that waits before its first byte. */
async function* bytesAfter(ready: Promise<unknown>): AsyncGenerator<Uint8Array> {
  await ready
  yield Buffer.from('slow')
}

async function savedSteps(store: CheckpointStore, steps: readonly number[]): Promise<void> {
  for (const step of steps) await store.save({ step, files, onExisting: 'replace' })
}

describe.each(['exclusive', 'shared'] as const)('with a writer in %s mode', (mode) => {
  test('names the step that a run saved last after it went back', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode })
    await savedSteps(store, [40, 48, 8, 16, 24])
    expect((await store.latest())?.step).toBe(24)
    expect((await storeOn(backend).latest())?.step).toBe(24)
    const restored = await store.restore('latest', { to: await temporaryFolder() })
    expect(restored?.step).toBe(24)
  })

  test('keeps the last saves of a run that went back, and drops those of the branch that it left', async () => {
    const store = storeOn(new MemoryBackend(), { mode, retention: { keepLast: 3 } })
    await savedSteps(store, [40, 48, 8, 16, 24])
    expect((await store.list()).map(({ step }) => step)).toEqual([8, 16, 24])
  })

  test('names a step that was replaced', async () => {
    const store = storeOn(new MemoryBackend(), { mode })
    await savedSteps(store, [1, 2, 3, 1])
    expect((await store.latest())?.step).toBe(1)
  })

  test('names the step before it after the latest was deleted', async () => {
    const store = storeOn(new MemoryBackend(), { mode })
    await savedSteps(store, [40, 48, 8, 16])
    await store.delete([16])
    expect((await store.latest())?.step).toBe(8)
    await store.delete([8])
    expect((await store.latest())?.step).toBe(48)
  })
})

test('falls back to the save before, not to the step before', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' })
  await savedSteps(store, [40, 48, 8, 16, 24])
  const restores = storeOn(backend, { mode: 'shared' })
  for (const corrupt of [24, 16]) {
    const details = await store.get(corrupt)
    await tamper(backend, details?.files[0]?.key ?? '', () => Buffer.from('b'))
  }
  const to = await temporaryFolder()
  const restored = await restores.restore('latest', { to, fallback: true })
  expect(restored?.step).toBe(8)
  expect((await restores.restore(16, { to, fallback: true }))?.step).toBe(8)
  expect((await restores.latest())?.step).toBe(8)
})

test('names the higher of two steps whose saves in the background began together', async () => {
  const store = storeOn(new MemoryBackend(), { background: { limit: 2 } })
  await store.save({ step: 0, files })
  const slow = Promise.withResolvers<undefined>()
  const first = await store.saveInBackground({
    step: 1,
    files: { a: bytesAfter(slow.promise) },
  })
  await (
    await store.saveInBackground({ step: 2, files })
  ).done
  slow.resolve(undefined)
  await first.done
  expect((await store.latest())?.step).toBe(2)
})

test('begins a save of a lower step once the saves of higher steps have ended', async () => {
  const store = storeOn(new MemoryBackend(), { background: { limit: 2 } })
  const slow = Promise.withResolvers<undefined>()
  const ended: number[] = []
  const higher = await store.saveInBackground({
    step: 48,
    files: { a: bytesAfter(slow.promise) },
  })
  const lower = await store.saveInBackground({ step: 8, files })
  void higher.done.then(() => ended.push(48))
  void lower.done.then(() => ended.push(8))
  slow.resolve(undefined)
  await store.flush()
  expect(ended).toEqual([48, 8])
  expect((await store.latest())?.step).toBe(8)
})

test('stops the wait of a lower step when its signal fires', async () => {
  const store = storeOn(new MemoryBackend(), { background: { limit: 2 } })
  const slow = Promise.withResolvers<undefined>()
  const higher = await store.saveInBackground({
    step: 48,
    files: { a: bytesAfter(slow.promise) },
  })
  await expect(
    store.save({ step: 8, files, signal: AbortSignal.abort(new Error('enough')) }),
  ).rejects.toMatchObject({ code: 'ABORTED' })
  slow.resolve(undefined)
  await higher.done
  expect((await store.list()).map(({ step }) => step)).toEqual([48])
})

test('reads one version and no page to name a latest step that is in a page', async () => {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
  await savedSteps(
    store,
    Array.from({ length: 20 }, (_, step) => step),
  )
  expect(await keysOf(backend, 'pages/')).not.toEqual([])
  await savedSteps(store, [5])
  const reads: string[] = []
  const read = backend.read.bind(backend)
  backend.read = async (key, options) => {
    reads.push(key)
    return read(key, options)
  }
  expect((await storeOn(backend).latest())?.step).toBe(5)
  expect(reads.filter((key) => key.startsWith('pages/'))).toEqual([])
  await savedSteps(store, [6])
  expect((await storeOn(backend).latest())?.step).toBe(6)
  await store.delete([6])
  expect((await storeOn(backend).latest())?.step).toBe(5)
  await savedSteps(store, [20])
  expect((await storeOn(backend).latest())?.step).toBe(20)
})

test('names the same step after a repair of a lost catalog', async () => {
  const backend = new MemoryBackend()
  await savedSteps(storeOn(backend, { mode: 'shared' }), [40, 48, 8, 16])
  await backend.delete(await keysOf(backend, 'catalog/'))
  const store = storeOn(backend, { mode: 'shared' })
  await store.repair()
  expect((await store.latest())?.step).toBe(16)
})
