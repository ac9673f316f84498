import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

test('bytes that the caller changes while they are stored: the digest is of what was stored', async () => {
  const root = await temporaryFolder()
  const bytes = Buffer.alloc(9_000_000, 'a')
  let changes = 0
  const put = new FileBackend(root).put('file', bytes, {
    onProgress: () => {
      changes += 1
      bytes.fill(String(changes))
    },
  })
  bytes.fill('b')
  const { sha256 } = await put
  expect(changes).toBeGreaterThan(1)
  expect(
    createHash('sha256')
      .update(await readFile(join(root, 'file')))
      .digest('hex'),
  ).toBe(sha256)
})
