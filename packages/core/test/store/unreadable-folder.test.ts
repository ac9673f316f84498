import { mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { refuseChanged } from '../../src/backend/source/open-file.ts'
import { planFiles } from '../../src/store/save/plan.ts'
import { surround } from '../failing-calls.ts'
import { systemError } from '../local-files/gated.ts'
import { temporaryFolder } from '../stores.ts'

/** Returns a folder with one file. */
async function savedFolder(): Promise<string> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'model.bin'), 'x')
  return folder
}

test('a save rejects with a typed error if a folder cannot be read after it was opened', async () => {
  const folder = await savedFolder()
  surround('opendir', () =>
    Promise.resolve({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(systemError('EIO')) }),
    }),
  )
  await expect(planFiles({ out: folder })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})

test('a save rejects with a typed error if a dead link is removed while it is looked at', async () => {
  const folder = await savedFolder()
  await symlink('nothing', join(folder, 'link'))
  surround('readlink', () => Promise.reject(systemError('ENOENT')))
  await expect(planFiles({ out: folder })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    reason: expect.stringContaining('was removed while its folder was read') as unknown,
  })
})

test('a save names the reason if the folder of its store cannot be read, and the process goes on', async () => {
  const folder = await savedFolder()
  const store = join(await temporaryFolder(), 'store')
  await mkdir(store)
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  onTestFinished(() => void process.off('unhandledRejection', onUnhandled))
  surround('lstat', async (path, call) => {
    if (path === store) throw systemError('EIO')
    return call()
  })
  surround('realpath', async (_, call) => {
    for (let turns = 0; turns < 10; turns += 1) await setImmediate()
    return call()
  })
  const storeFolders = [{ kind: 'store', path: store }] as const
  await expect(planFiles({ out: folder }, { storeFolders })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(unhandled).toEqual([])
})

test('a save recognises its store by the path if the store is removed while it is looked at', async () => {
  const folder = await savedFolder()
  const store = join(folder, 'store')
  await mkdir(store)
  surround('stat', async (path, call) => {
    if (path === store) throw systemError('ENOENT')
    return call()
  })
  const storeFolders = [{ kind: 'store', path: store }] as const
  await expect(planFiles({ out: folder }, { storeFolders })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
})

test('a file whose state cannot be read after its bytes rejects with a typed error', async () => {
  const folder = await savedFolder()
  const path = join(folder, 'model.bin')
  const handle = await open(path, 'r')
  const before = await handle.stat({ bigint: true })
  await handle.close()
  await expect(refuseChanged({ path, handle, before })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
})
