import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheFolder, installInto, isInstalled, serverFolder } from '../src/cache.ts'
import { emptyFolder } from './empty-folder.ts'

/** A process id that no process has, because it is above the maximum. */
const noProcess = 2 ** 30

test.each([
  [{ XDG_CACHE_HOME: '/a/cache' }, '/a/cache/holdfast-test-servers'],
  [{ XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache/holdfast-test-servers')],
  [{}, join(homedir(), '.cache/holdfast-test-servers')],
])('uses the cache folder for %o: %s', (environment, folder) => {
  expect(cacheFolder(environment)).toBe(folder)
})

test('uses a different folder for each version', () => {
  const environment = { XDG_CACHE_HOME: '/a' }
  const folders = ['1', '2'].map((version) => serverFolder(environment, { kind: 'minio', version }))
  expect(folders).toEqual(['/a/holdfast-test-servers/minio-1', '/a/holdfast-test-servers/minio-2'])
})

test('installs a server completely, and leaves no other files in the cache', async () => {
  const cache = join(await emptyFolder(), 'missing', 'parents')
  const folder = join(cache, 'minio-1')
  await installInto(folder, async (temporary) => writeFile(join(temporary, 'minio'), 'program'))
  expect(await readFile(join(folder, 'minio'), 'utf8')).toBe('program')
  expect(await readdir(cache)).toEqual(['minio-1'])
})

test('leaves nothing after a failed install, and installs at the next call', async () => {
  const cache = await emptyFolder()
  const folder = join(cache, 'minio-1')
  const failure = new Error('no network')
  const failing = installInto(folder, async (temporary) => {
    await writeFile(join(temporary, 'half'), '')
    throw failure
  })
  await expect(failing).rejects.toBe(failure)
  expect(await readdir(cache)).toEqual([])
  await installInto(folder, async () => undefined)
  expect(isInstalled(folder)).toBe(true)
})

test('does not treat a killed install as complete, and removes its leftovers at the next install', async () => {
  const cache = await emptyFolder()
  const folder = join(cache, 'minio-1')
  await mkdir(join(cache, `minio-1.installing-${noProcess}-abc`))
  await symlink(String(noProcess), `${folder}.lock`)
  expect(isInstalled(folder)).toBe(false)
  await installInto(folder, async () => undefined)
  expect(await readdir(cache)).toEqual(['minio-1'])
})

test('keeps the temporary folder of a running install of another process', async () => {
  const cache = await emptyFolder()
  const other = join(cache, `minio-1.installing-${process.ppid}-abc`)
  await mkdir(other)
  await installInto(join(cache, 'minio-1'), async () => undefined)
  expect(existsSync(other)).toBe(true)
})

test('installs once if several calls install the same server at once', async () => {
  const folder = join(await emptyFolder(), 'minio-1')
  let installs = 0
  const install = async (): Promise<void> => {
    installs += 1
  }
  await Promise.all(Array.from({ length: 4 }, async () => installInto(folder, install)))
  expect(installs).toBe(1)
})
