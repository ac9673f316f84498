import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './folders.ts'

test('uses the same memory for checkpoints of any size', { timeout: 60_000 }, async () => {
  const script = fileURLToPath(new URL('memory-probe.ts', import.meta.url))
  const size = 400 * 2 ** 20
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    await temporaryFolder(),
    String(size),
  ])
  expect(Number(stdout)).toBeLessThan(150 * 2 ** 20)
})
