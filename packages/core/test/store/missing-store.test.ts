import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend } from '../../src/index.ts'
import { FaultyBackend, keysOf, storeOn } from '../stores.ts'

const retention = { keepLast: 1 }

const calls: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
  delete: (store) => store.delete([1]),
  pin: (store) => store.pin(1),
  attach: (store) => store.attach(1, { loss: 1 }),
  undo: (store) => store.undo(),
}

describe('a store that does not exist', () => {
  test.each(Object.entries(calls))('rejects %s, and is not created', async (_, call) => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { retention })
    await expect(call(store)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      reason: `There is no store at ${store.url}.`,
      hint: { kind: 'check-location' },
    })
    expect(await keysOf(backend)).toEqual([])
  })

  test('has nothing to prune or sweep, so a program may do that before its first save', async () => {
    const backend = new MemoryBackend()
    for (const dryRun of [true, false]) {
      const store = storeOn(backend, { retention })
      expect(await store.prune({ dryRun })).toMatchObject({ kept: [], dropped: [] })
      expect(await store.sweep({ dryRun })).toMatchObject({ attempts: 0, failed: [] })
    }
    expect(await keysOf(backend, 'catalog/')).toEqual([])
  })
})

describe('a store whose first save ended before its catalog began', () => {
  async function began(): Promise<CheckpointStore> {
    const backend = new FaultyBackend()
    backend.intercept = (method, key) =>
      method === 'commit' && key.startsWith('catalog/') ? 'fail before' : 'pass'
    const store = storeOn(backend, { mode: 'shared', retention })
    await expect(store.save({ step: 1, files: { a: Buffer.from('a') } })).rejects.toThrow()
    backend.intercept = () => 'pass'
    return storeOn(backend, { mode: 'shared', retention })
  }

  test('has nothing to prune or sweep', async () => {
    const store = await began()
    expect(await store.prune()).toMatchObject({ kept: [], dropped: [] })
    expect(await store.sweep({ dryRun: true })).toMatchObject({ attempts: 0, failed: [] })
  })

  test('rejects a deletion, and suggests to save first', async () => {
    await expect((await began()).delete([1])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      hint: { kind: 'save-first' },
    })
  })
})
