import { execFileSync } from 'node:child_process'
import { chmod, open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeConformance } from '@holdfast/conformance'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { type KindOfFileSystem, loopFileSystem } from './loop-file-system.ts'

const kinds: readonly KindOfFileSystem[] = ['btrfs', 'xfs']
const fileSystems = await Promise.all(kinds.map(async (kind) => [kind, await loopFileSystem(kind)] as const))

for (const [kind, fileSystem] of fileSystems) {
  if (fileSystem.how === 'mounted') {
    testClones(kind, fileSystem)
  } else {
    test(`clones on ${kind}`, ({ skip }) => {
      skip(fileSystem.reason)
    })
  }
}

function testClones(kind: string, { folder }: { readonly folder: string }): void {
  describe(`clones on ${kind}`, () => {
    let opened = 0

    // The suite creates its source files in the temporary folder. Clones work only within one file system.
    beforeAll(() => {
      vi.stubEnv('TMPDIR', folder)
      return () => vi.unstubAllEnvs()
    })

    describeConformance({ describe, test }, 'FileBackend', {
      open: async () => {
        opened += 1
        return new FileBackend(join(folder, 'conformance', String(opened)))
      },
      reopen: async (backend) => new FileBackend(fileURLToPath(backend.url)),
      partBytes: 4 * 2 ** 20,
    })

    test('stores a file without writing its bytes', async () => {
      const source = join(folder, 'source.bin')
      await writeFile(source, Buffer.alloc(64 * 2 ** 20, 'x'))
      execFileSync('sync', ['--file-system', folder])
      const backend = new FileBackend(join(folder, 'cloned'))
      const before = await backend.freeSpace()
      for (let copy = 0; copy < 10; copy += 1) await backend.put(`copy-${copy}`, { path: source })
      execFileSync('sync', ['--file-system', folder])
      const after = await backend.freeSpace()
      if (before.kind !== 'measured' || after.kind !== 'measured') throw new Error('free space is measured')
      expect(before.available - after.available).toBeLessThan(64 * 2 ** 20)
      const [copied, copy] = [await readFile(source), await readFile(join(folder, 'cloned', 'copy-9'))]
      expect(copy.equals(copied)).toBe(true)
    })

    test('keeps exactly the permission bits of the source', async () => {
      const backend = new FileBackend(join(folder, 'modes'))
      for (const mode of [0o600, 0o755, 0o4711]) {
        const source = join(folder, `mode-${mode}`)
        await writeFile(source, 'x')
        await chmod(source, mode)
        await backend.put(`key-${mode}`, { path: source })
        expect((await stat(join(folder, 'modes', `key-${mode}`))).mode & 0o7777).toBe((mode & 0o555) | 0o400)
      }
    })

    test('keeps the stored bytes if the source is written to afterwards', async () => {
      const source = join(folder, 'changed.bin')
      await writeFile(source, Buffer.alloc(1_000_000, 'a'))
      const backend = new FileBackend(join(folder, 'kept'))
      await backend.put('kept', { path: source })
      const handle = await open(source, 'r+')
      await handle.write(Buffer.alloc(1000, 'b'), 0, 1000, 500)
      await handle.close()
      const kept = await readFile(join(folder, 'kept', 'kept'))
      expect(kept.equals(Buffer.alloc(1_000_000, 'a'))).toBe(true)
    })
  })
}
