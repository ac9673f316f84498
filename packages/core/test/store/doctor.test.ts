import { expect, test } from 'vitest'
import { CheckpointStore, HoldfastError, MemoryBackend } from '../../src/index.ts'

class UnreachableBackend extends MemoryBackend {
  override list(): never {
    throw new HoldfastError('UNAVAILABLE', 'The store cannot be reached.', { url: this.url })
  }
}

test('the doctor tries nothing else on a store that cannot be reached', async () => {
  await using store = new CheckpointStore(new UnreachableBackend())
  expect(await store.doctor()).toEqual([
    expect.objectContaining({ check: 'read', verdict: 'bad', finding: 'The store cannot be reached.' }),
  ])
})
