import { execFileSync } from 'node:child_process'
import { chmod, open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeConformance } from '@holdfast/conformance'
import { sha256Hex } from '@holdfast/core/backend'
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

    /** Returns by how many bytes the free space shrinks while four objects with the bytes of one file are stored. */
    async function spaceFor(name: string, put: (backend: FileBackend, key: string) => Promise<unknown>) {
      const backend = new FileBackend(join(folder, name))
      const free = async (): Promise<number> => {
        execFileSync('sync', ['--file-system', folder])
        const found = await backend.freeSpace()
        if (found.kind !== 'measured') throw new Error('free space is measured')
        return found.available
      }
      await backend.put('first', { path: source })
      const before = await free()
      for (let copy = 0; copy < 4; copy += 1) await put(backend, `copy-${copy}`)
      const [copied, copy] = [await readFile(source), await readFile(join(folder, name, 'copy-3'))]
      expect(copy.equals(copied)).toBe(true)
      return before - (await free())
    }
    const size = 16 * 2 ** 20
    const source = join(folder, 'source.bin')

    test('shares the bytes of an object that is named as unchanged, and of no other', async () => {
      await writeFile(source, Buffer.alloc(size, 'x'))
      const first = { key: 'first', size, sha256: sha256Hex(await readFile(source)) }
      const shared = await spaceFor('shared', (backend, key) =>
        backend.put(key, { path: source }, { unchanged: { object: { backend, ...first } } }),
      )
      expect(shared).toBeLessThan(size)
      const apart = await spaceFor('apart', (backend, key) => backend.put(key, { path: source }))
      expect(apart).toBeGreaterThanOrEqual(4 * size)
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
