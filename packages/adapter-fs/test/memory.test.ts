import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './folders.ts'

const mebibyte = 2 ** 20

/** Returns the bytes that a script adds to the peak of resident memory. */
async function addedBy(script: string, ...words: readonly number[]): Promise<number> {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [
    path,
    await temporaryFolder(),
    ...words.map(String),
  ])
  return Number(stdout)
}

test('uses the same memory for checkpoints of any size', async () => {
  expect(await addedBy('memory-probe.ts', 400 * mebibyte)).toBeLessThan(150 * mebibyte)
})

test('uses the same memory for packs of any number of files', async () => {
  expect(await addedBy('pack-memory-probe.ts', 600, mebibyte / 2)).toBeLessThan(150 * mebibyte)
})
