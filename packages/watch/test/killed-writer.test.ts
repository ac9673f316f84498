import { expect, test } from 'vitest'
import { MemoryBackend } from '@holdfast/core'
import { storeOn, temporaryFolder } from './harness.ts'
import { watchKilledWriter } from './killed-writer.ts'

test('adopts only whole checkpoints while their writer is killed at random', async () => {
  const store = storeOn(new MemoryBackend())
  const options = { kind: 'folders in place', adoptions: 10, seed: 1 } as const
  const { adopted, kills } = await watchKilledWriter(store, await temporaryFolder(), options)
  expect(adopted).toBeGreaterThanOrEqual(10)
  expect(kills).toBeGreaterThan(0)
})
