import { existsSync } from 'node:fs'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore, type StoreOptions } from '@holdfast/core'
import { type ByteSource } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { codeOf } from '@holdfast/conformance/testing'
import { temporaryFolder } from './folders.ts'

/** Returns every file and folder below a folder, except the reserve. */
async function everyName(root: string): Promise<readonly string[]> {
  const names = await readdir(root, { recursive: true })
  return names.filter((name) => !name.startsWith('reserve')).sort()
}

describe('a save that is stopped', () => {
  test.each(['at once', 'after the first bytes', 'after the first files'])(
    'leaves no file and no folder: %s',
    async (when) => {
      const folder = await temporaryFolder()
      await using store = await openStore(folder, { mode: 'shared' })
      await store.save({ step: 1, files: { a: Buffer.from('a') } })
      const before = await everyName(folder)

      const stop = new AbortController()
      async function* slow(): AsyncGenerator<Uint8Array> {
        if (when === 'at once') stop.abort()
        yield Buffer.from('first')
        if (when === 'after the first files') await new Promise((resolve) => setImmediate(resolve))
        stop.abort()
        yield Buffer.from('second')
      }
      const files: Record<string, ByteSource> = {}
      for (const name of ['a', 'x/b', 'x/y/c', 'x/y/d', 'z/e']) {
        files[name] = slow()
        files[`${name}.txt`] = Buffer.from(name)
      }
      expect(await codeOf(store.save({ step: 2, files, signal: stop.signal }))).toBe('ABORTED')
      expect(await everyName(folder)).toEqual(before)
    },
  )
})

describe('a sweep', () => {
  test('removes the empty folders of a killed save', async () => {
    const folder = await temporaryFolder()
    await using store = await openStore(folder)
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    const before = await everyName(folder)
    await mkdir(join(folder, 'data/2-0-00000000000000aa/deep/er'), { recursive: true })
    await mkdir(join(folder, 'data/3-0-00000000000000ab'))
    const report = await store.sweep({ dryRun: true })
    expect(report.unfinished).toBe(2)
    await store.sweep()
    expect((await everyName(folder)).filter((name) => name.startsWith('data'))).toEqual(
      before.filter((name) => name.startsWith('data')),
    )
  })

  test('removes what a copier left of a listed checkpoint, and keeps what another copy may continue', async () => {
    const folder = await temporaryFolder()
    const gracePeriod = 3_600_000
    await using store = await openStore(folder, { mode: 'shared', gracePeriod })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    const [listed = ''] = await readdir(join(folder, 'data'))
    const open = listed.replace(/^1-(\d+)-.*/, '2-$1-00000000000000aa')
    await mkdir(join(folder, 'data', open))
    const [old, fresh, continued] = [
      join(folder, 'data', listed, '.holdfast-tmp-0000000000000001'),
      join(folder, 'data', listed, '.holdfast-tmp-0000000000000002'),
      join(folder, 'data', open, '.holdfast-tmp-0000000000000003'),
    ]
    for (const path of [old, fresh, continued]) await writeFile(path, 'left')
    for (const path of [old, continued]) await utimes(path, 1, 1)
    expect((await store.sweep()).unfinished).toBe(1)
    expect([old, fresh, continued].map((path) => existsSync(path))).toEqual([false, true, true])
  })

  test('removes the temporary file of a killed writer of the reserve', async () => {
    const folder = await temporaryFolder()
    await using store = await openStore(folder, { gracePeriod: 0 })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    const leftover = join(folder, 'reserve', '.holdfast-tmp-00000000000000aa')
    await writeFile(leftover, 'unfinished')
    await store.sweep()
    expect(existsSync(leftover)).toBe(false)
  })

  test.each<StoreOptions>([{ mode: 'shared', takeOver: true }, { mode: 'exclusive' }])(
    'reports what it removes while it takes the store over: %j',
    async (options) => {
      const folder = await temporaryFolder()
      await using trainer = await openStore(folder, { mode: 'shared' })
      await trainer.save({ step: 1, files: { a: Buffer.from('a') } })
      const killed = join(folder, 'data/2-1-00000000000000aa')
      await mkdir(killed)
      await writeFile(join(killed, 'weights.bin'), 'weights')
      await writeFile(join(killed, '.holdfast-tmp-1'), 'more')
      expect(await trainer.sweep()).toMatchObject({ attempts: 0, unfinishedSaves: { saves: 1 } })
      await using store = await openStore(folder, options)
      expect(await store.sweep()).toMatchObject({ attempts: 1, unfinished: 1 })
      expect(await store.sweep()).toMatchObject({ attempts: 0, unfinished: 0 })
    },
  )

  test('keeps empty folders of other programs and of attempts that may be running', async () => {
    const folder = await temporaryFolder()
    await using store = await openStore(folder, { mode: 'shared' })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    await mkdir(join(folder, 'notes/today'), { recursive: true })
    await mkdir(join(folder, 'data/2-2-00000000000000aa'), { recursive: true })
    await writeFile(join(folder, 'notes/readme'), 'mine')
    expect((await store.sweep()).unfinishedSaves.saves).toBe(1)
    expect(await everyName(folder)).toEqual(
      expect.arrayContaining(['data/2-2-00000000000000aa', 'notes/readme', 'notes/today']),
    )
  })
})
