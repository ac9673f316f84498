import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeConformance } from '@holdfast/conformance'
import { afterAll, describe, expect, test } from 'vitest'
import { FileBackend } from '../src/index.ts'

/** A small real file system that clones; `undefined` where none can be made. */
async function cloningFileSystem(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-clone-'))
  const image = `${folder}.img`
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await rm(image, { force: true })
  })
  try {
    await writeFile(image, '')
    await truncate(image, 2 * 2 ** 30)
    execFileSync('mkfs.btrfs', ['--quiet', image], { stdio: 'pipe' })
    execFileSync('mount', ['-o', 'loop', image, folder], { stdio: 'pipe' })
  } catch {
    return undefined
  }
  afterAll(() => {
    execFileSync('umount', [folder])
  })
  return folder
}

const folder = await cloningFileSystem()
let opened = 0

describe.skipIf(folder === undefined)('on a file system that clones', () => {
  const root = folder ?? ''

  describeConformance({ describe, test }, 'FileBackend', {
    open: async () => {
      opened += 1
      return new FileBackend(join(root, String(opened)))
    },
    reopen: async (backend) => new FileBackend(fileURLToPath(backend.url)),
    partBytes: 4 * 2 ** 20,
  })

  test('a file on it is stored without its bytes being written again', async () => {
    const source = join(root, 'source.bin')
    await writeFile(source, Buffer.alloc(64 * 2 ** 20, 'x'))
    execFileSync('sync', ['--file-system', root])
    const backend = new FileBackend(join(root, 'cloned'))
    const before = await backend.freeSpace()
    for (let copy = 0; copy < 10; copy += 1) await backend.put(`copy-${copy}`, { path: source })
    execFileSync('sync', ['--file-system', root])
    const after = await backend.freeSpace()
    if (before.kind !== 'measured' || after.kind !== 'measured') throw new Error('free space is measured')
    expect(before.available - after.available).toBeLessThan(64 * 2 ** 20)
    expect(await readFile(join(root, 'cloned', 'copy-9'))).toEqual(await readFile(source))
  })

  test('a clone has the permission bits of its source, and no others', async () => {
    const backend = new FileBackend(join(root, 'modes'))
    for (const mode of [0o600, 0o755, 0o4711]) {
      const source = join(root, `mode-${mode}`)
      await writeFile(source, 'x')
      await chmod(source, mode)
      await backend.put(`key-${mode}`, { path: source })
      expect((await stat(join(root, 'modes', `key-${mode}`))).mode & 0o7777).toBe((mode & 0o777) | 0o400)
    }
  })

  test('what is written to the source afterwards does not reach what was stored', async () => {
    const source = join(root, 'changed.bin')
    await writeFile(source, Buffer.alloc(1_000_000, 'a'))
    const backend = new FileBackend(join(root, 'kept'))
    await backend.put('kept', { path: source })
    const handle = await open(source, 'r+')
    await handle.write(Buffer.alloc(1000, 'b'), 0, 1000, 500)
    await handle.close()
    expect(await readFile(join(root, 'kept', 'kept'))).toEqual(Buffer.alloc(1_000_000, 'a'))
  })
})
