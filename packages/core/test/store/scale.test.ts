import { expect, test } from 'vitest'
import {
  type CatalogEntry,
  catalogKey,
  emptyCatalog,
  encodeCatalog,
  newAttemptId,
} from '../../src/store/documents/index.ts'
import { FaultyBackend, storeOn } from './stores.ts'

function entry(step: number): CatalogEntry {
  return {
    step,
    epoch: step,
    attempt: newAttemptId(step, 1, step.toString(16).padStart(16, '0')),
    manifest: { sha256: 'a'.repeat(64), size: 500 },
    files: 3,
    bytes: 512_000_000,
    savedAt: '2026-01-01T00:00:00.000Z',
    metrics: { val_loss: 0.183, val_pck: 0.914 },
    tags: [],
  }
}

test('10,000 checkpoints are listed by one list and one read, and a save upon them takes five calls', async () => {
  const backend = new FaultyBackend()
  const catalog = {
    ...emptyCatalog,
    version: 10_001,
    checkpoints: Array.from({ length: 10_000 }, (_, step) => entry(step)),
  }
  await backend.commit(catalogKey(catalog.version), encodeCatalog(catalog))
  backend.calls.length = 0
  const store = storeOn(backend, { mode: 'shared' })
  expect((await store.list()).length).toBe(10_000)
  expect(backend.calls.map((call) => call.split(' ')[0])).toEqual(['list', 'read'])
  await store.save({ step: 10_000, files: { a: Buffer.from('a') } })
  backend.calls.length = 0
  await store.save({ step: 10_001, files: { a: Buffer.from('a') } })
  expect(backend.calls.map((call) => call.split(' ')[0])).toEqual(['list', 'put', 'put', 'commit', 'list'])
})
