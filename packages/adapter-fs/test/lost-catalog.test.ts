import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore, type StoreOptions } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

const files = { 'model.bin': Buffer.from('weights') }

/**
 * Returns a folder whose whole catalog was deleted, and a writer that still runs. Another writer had taken the store over and
 * saved the steps 2 and 3. The running writer does not know that, and saves step 4.
 */
async function afterTheLoss() {
  const root = await temporaryFolder()
  const open = (options: StoreOptions = {}): CheckpointStore => {
    const store = new CheckpointStore(new FileBackend(root), { gracePeriod: 0, ...options })
    onTestFinished(() => store.close())
    return store
  }
  const running = open()
  await running.save({ step: 1, files })
  const other = open()
  await other.save({ step: 2, files })
  await other.save({ step: 3, files })
  await rm(join(root, 'catalog'), { recursive: true })
  await running.save({ step: 4, files })
  return { open, running }
}

async function verifiedSteps(store: CheckpointStore): Promise<readonly number[]> {
  const { good, checkpoints } = await store.verify()
  expect(good).toBe(true)
  return checkpoints.map(({ step }) => step).sort((one, other) => one - other)
}

test('a running writer sweeps nothing after the catalog was lost, and a repair lists the saves of another one', async () => {
  const { running } = await afterTheLoss()
  for (const options of [{}, { now: true }])
    await expect(running.sweep(options)).rejects.toMatchObject({ code: 'CORRUPT', hint: { kind: 'repair' } })
  await running.save({ step: 5, files })
  await expect(running.sweep()).rejects.toMatchObject({ code: 'CORRUPT', hint: { kind: 'repair' } })
  const { isCatalogLost, recovered } = await running.repair()
  expect({ isCatalogLost, recovered }).toEqual({ isCatalogLost: true, recovered: [2, 3] })
  await running.sweep()
  expect(await verifiedSteps(running)).toEqual([1, 2, 3, 4, 5])
})

test('the next run rebuilds the catalog before it takes the store over', async () => {
  const { open, running } = await afterTheLoss()
  await running.close()
  const next = open()
  await next.save({ step: 5, files })
  await next.sweep()
  expect(await verifiedSteps(next)).toEqual([1, 2, 3, 4, 5])
})
