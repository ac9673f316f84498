import * as promises from 'node:fs/promises'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { CheckpointStore, listRuns } from '@holdfast/core'
import { codeOf } from '@holdfast/conformance/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { adapter, FileBackend, type FileSystem } from '../src/index.ts'
import { everythingIn, temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

/** The real file system, on which this user may not read the folders of a name. */
function forbidding(name: string): FileSystem {
  const readdir = async (path: string, options: never): Promise<unknown> => {
    if (basename(path) === name) throw systemError('EACCES')
    return promises.readdir(path, options)
  }
  return { ...promises, readdir } as unknown as FileSystem
}

/** The real file system, on which this user may read the names in the folders of a name, but not their files. */
function unenterable(name: string): FileSystem {
  const lstat = async (path: string, options: never): Promise<unknown> => {
    if (basename(dirname(path)) === name) throw systemError('EACCES')
    return promises.lstat(path, options)
  }
  return { ...promises, lstat } as unknown as FileSystem
}

async function savedStore(root: string, fileSystem: FileSystem): Promise<CheckpointStore> {
  const store = new CheckpointStore(new FileBackend(root, { fileSystem }), { mode: 'shared' })
  onTestFinished(() => store.close())
  await store.save({ step: 1, files: { a: Buffer.from('a') } })
  return store
}

async function runsIn(root: string, fileSystem: FileSystem): Promise<Awaited<ReturnType<typeof listRuns>>> {
  const open: typeof adapter.open = async () => new FileBackend(root, { fileSystem })
  return listRuns(root, { adapters: [{ ...adapter, open }] })
}

describe('a folder that this user may not read', () => {
  test('is reported by a sweep, which deletes what is dead, if it is no folder of Holdfast', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'lost+found'))
    const store = await savedStore(root, forbidding('lost+found'))
    await mkdir(join(root, 'data/0-0-00000000000000aa'))
    await store.save({ step: 2, files: { a: Buffer.from('a') } })
    const report = await store.sweep({ now: true })
    expect(report.foreign).toEqual(['lost+found/'])
    expect(report.unfinished).toBe(1)
    expect(await everythingIn(root)).toContain('lost+found')
  })

  test.each(['data', 'catalog', 'pages', 'agreements'])('ends a sweep if it is %s', async (name) => {
    const root = await temporaryFolder()
    await mkdir(join(root, name))
    await (await savedStore(root, promises)).close()
    const backend = new FileBackend(root, { fileSystem: forbidding(name) })
    const store = new CheckpointStore(backend, { mode: 'shared' })
    onTestFinished(() => store.close())
    expect(await codeOf(store.sweep())).toBe('PERMISSION_DENIED')
  })

  test.each([0, 1, 40])('is omitted if only its names can be read, and it has %s files', async (count) => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'lost+found'))
    for (let index = 0; index < count; index += 1) await writeFile(join(root, `lost+found/#${index}`), 'x')
    const fileSystem = unenterable('lost+found')
    const store = await savedStore(root, fileSystem)
    expect((await store.sweep({ now: true })).foreign).toEqual(count === 0 ? [] : ['lost+found/'])
    const mayOmit = (folder: string): boolean => folder === 'lost+found/'
    const backend = new FileBackend(root, { fileSystem })
    const listed = await Array.fromAsync(backend.list('', { mayOmit }))
    const all = (await Array.fromAsync(new FileBackend(root).list(''))).map(({ key }) => key)
    expect(listed.map(({ key }) => key)).toEqual(all.filter((key) => !key.startsWith('lost+found/')))
    if (count > 0) expect(await codeOf(Array.fromAsync(backend.list('')))).toBe('PERMISSION_DENIED')
  })

  test('does not hide the runs beside it if an operating system made it', async () => {
    const root = await temporaryFolder()
    for (const run of ['a', 'b']) await (await savedStore(join(root, run), promises)).close()
    for (const name of ['lost+found', '.Trashes', 'System Volume Information']) {
      await mkdir(join(root, name))
      expect((await runsIn(root, forbidding(name))).map((run) => run.name)).toEqual(['a', 'b'])
    }
    expect(await codeOf(runsIn(root, forbidding('b')))).toBe('PERMISSION_DENIED')
  })
})

describe('a folder that this user may not remove', () => {
  // Linux checks the permission before it looks whether the folder is empty.
  test.each(['EACCES', 'EPERM', 'EROFS', 'EINVAL', 'ENOTSUP'])('stays after a delete (%s)', async (code) => {
    const root = await temporaryFolder()
    const rmdir = async (): Promise<never> => Promise.reject(systemError(code))
    const backend = new FileBackend(root, { fileSystem: { ...promises, rmdir } })
    for (const key of ['data/1', 'data/2']) await backend.put(key, Buffer.from('x'))
    expect(await backend.delete(['data/1'])).toEqual({ deleted: ['data/1'], failed: [] })
    expect(await backend.delete(['data/1'])).toEqual({ deleted: ['data/1'], failed: [] })
    expect(await everythingIn(root)).toEqual(['data', 'data/2'])
  })

  test('stays after a failed put, whose error is the first one', async () => {
    const root = await temporaryFolder()
    const rmdir = async (): Promise<never> => Promise.reject(systemError('EACCES'))
    const rename = async (): Promise<never> => Promise.reject(systemError('ENOSPC'))
    const backend = new FileBackend(root, { fileSystem: { ...promises, rmdir, rename } })
    await expect(backend.put('data/1', Buffer.from('x'))).rejects.toThrow(/ENOSPC.*Free some space\.$/)
    expect(await everythingIn(root)).toEqual(['data'])
  })

  test('stays after a sweep', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'empty'))
    const rmdir = async (): Promise<never> => Promise.reject(systemError('EPERM'))
    const backend = new FileBackend(root, { fileSystem: { ...promises, rmdir } })
    expect((await backend.sweep({ olderThan: 0, only: () => true })).discarded).toHaveLength(1)
  })
})
