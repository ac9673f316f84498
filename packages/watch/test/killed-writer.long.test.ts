import { describe, expect, test } from 'vitest'
import { openStore } from '@holdfast/core'
import { temporaryFolder } from './harness.ts'
import { watchKilledWriter } from './killed-writer.ts'

const kinds = ['new files', 'one file', 'folders in place', 'renamed folders'] as const

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)
const adoptions = 60 * effort
const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 1e6))
const title = `adopts ${adoptions} whole checkpoints, and no other, while their writer is killed at random (HOLDFAST_SEED=${seed})`

describe(title, () => {
  test.each(kinds)('that writes %s', { timeout: 600_000 * effort }, async (kind) => {
    const url = `${await temporaryFolder()}/store`
    await using store = await openStore(url, { mode: 'shared' })
    const folder = await temporaryFolder()
    const { adopted, kills } = await watchKilledWriter(store, folder, { kind, adoptions, seed })
    expect(adopted).toBeGreaterThanOrEqual(adoptions)
    expect(kills).toBeGreaterThan(0)
  })
})
