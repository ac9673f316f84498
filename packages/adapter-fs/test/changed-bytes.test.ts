import { createHash } from 'node:crypto'
import { appendFileSync, truncateSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'

test('returns the digest of the stored bytes if the caller changes them during a put', async () => {
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

test.each([
  [
    'grew',
    (path: string) => {
      appendFileSync(path, 'a line')
    },
  ],
  [
    'shrank',
    (path: string) => {
      truncateSync(path, 100)
    },
  ],
])('rejects a file that %s while it is stored, and says which pattern excludes it', async (how, change) => {
  const folder = await temporaryFolder()
  const path = join(folder, 'train.log')
  await writeFile(path, Buffer.alloc(5 * 2 ** 20, 'a'))
  let changed = false
  const put = new FileBackend(join(folder, 'store')).put(
    'file',
    { path },
    {
      onProgress: () => {
        if (changed) return
        changed = true
        change(path)
      },
    },
  )
  await expect(put).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(`${path} ${how} during the save.`) as string,
    hint: { kind: 'exclude', name: 'train.log' },
  })
})

test('rejects a file that grew between the plan and the save', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'train.log')
  await writeFile(path, 'two lines')
  const put = new FileBackend(join(folder, 'store')).put('file', { path }, { size: 3 })
  await expect(put).rejects.toThrow(`${path} grew during the save.`)
})
