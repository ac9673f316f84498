import { execFileSync } from 'node:child_process'
import { mkdtemp, open, rmdir, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CheckpointStore, openStore, type StoreOptions } from '@holdfast/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { codeOf } from '@holdfast/conformance/testing'
import { everythingIn, temporaryFolder } from './folders.ts'

const total = 8 * 2 ** 20

/** Mounts a small tmpfs. */
async function mounted(options = `size=${total}`): Promise<string> {
  const folder = await temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
  onTestFinished(() => {
    execFileSync('umount', [folder])
  })
  return folder
}

/** Whether this user may mount a file system. */
const mayMount = await (async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-fs-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'pipe' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    await rmdir(folder)
  }
})()

async function* unknownLength(bytes: number): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < bytes; given += 65_536) yield Buffer.alloc(65_536, 1)
}

test.skipIf(!mayMount)(
  'rejects a save that does not fit, fails cleanly if the disk becomes full, and keeps the store unchanged',
  async () => {
    const folder = await mounted()
    await using store = await openStore(join(folder, 'store'))
    await store.save({ step: 1, files: { 'model.bin': Buffer.alloc(3_000_000, 1) } })
    const before = await everythingIn(folder)

    expect(await codeOf(store.save({ step: 2, files: { 'model.bin': Buffer.alloc(6_000_000, 2) } }))).toBe(
      'INSUFFICIENT_SPACE',
    )
    expect(await everythingIn(folder)).toEqual(before)

    expect(await codeOf(store.save({ step: 2, files: { 'stream.bin': unknownLength(20_000_000) } }))).toBe(
      'INSUFFICIENT_SPACE',
    )
    expect(await everythingIn(folder)).toEqual(before)

    await store.save({ step: 2, files: { 'model.bin': Buffer.alloc(1_000_000, 2) } })
    expect((await store.verify()).good).toBe(true)
  },
)

test.skipIf(!mayMount)(
  'keeps the store unchanged if the last byte is used at any moment of a save',
  async () => {
    const folder = await mounted()
    const root = join(folder, 'store')
    await using store = await openStore(root)
    await store.save({ step: 1, files: { a: Buffer.alloc(100_000, 1) } })
    const free = (await store.backend.freeSpace()) as { readonly available: number }
    const block = 4096
    let failures = 0
    // Reduces the free space block by block until the smallest save does not fit, so that it stops at different writes.
    for (let blocks = 0; blocks < 12; blocks += 1) {
      await writeFile(join(folder, 'ballast'), Buffer.alloc(free.available - blocks * block))
      const before = await everythingIn(root)
      const outcome = await codeOf(store.save({ step: 2, files: { s: unknownLength(1) } }))
      if (outcome === 'no error') {
        await writeFile(join(folder, 'ballast'), '')
        await store.delete([2])
      } else {
        failures += 1
        expect(outcome).toBe('INSUFFICIENT_SPACE')
        expect(await everythingIn(root)).toEqual(before)
      }
      expect((await store.verify()).good).toBe(true)
    }
    expect(failures).toBeGreaterThan(3)
  },
)

/** Uses the free space of a file system, to the last block. */
async function fill(folder: string): Promise<void> {
  const ballast = await open(join(folder, 'ballast'), 'a')
  try {
    for (const size of [65_536, 4096, 1]) {
      const block = Buffer.alloc(size)
      while (await wasDone(ballast.writeFile(block))) continue
    }
  } finally {
    await ballast.close()
  }
}

/** Uses the last inode of a file system that limits them. */
async function fillInodes(folder: string): Promise<void> {
  const { ffree } = await statfs(folder)
  for (let index = 0; index < ffree; index += 1) await wasDone(writeFile(join(folder, `empty-${index}`), ''))
}

async function wasDone(write: Promise<unknown>): Promise<boolean> {
  try {
    await write
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}

const smallFile = { 'model.bin': Buffer.alloc(500_000, 1) }

describe.skipIf(!mayMount).each([
  ['byte', `size=${total},nr_inodes=1000`],
  ['inode', `size=64m,nr_inodes=120`],
] as const)('without a free %s', (unit, options) => {
  async function fullStore(storeOptions: StoreOptions = {}): Promise<CheckpointStore> {
    const folder = await mounted(options)
    const root = join(folder, 'store')
    {
      await using first = await openStore(root, { mode: 'shared' })
      for (const step of [1, 2, 3, 4]) await first.save({ step, files: smallFile })
    }
    await (unit === 'byte' ? fill(folder) : fillInodes(folder))
    const store = await openStore(root, storeOptions)
    onTestFinished(() => store.close())
    return store
  }

  test.each<[string, StoreOptions]>([
    ['one of many writers', { mode: 'shared' }],
    ['an exclusive writer', { mode: 'exclusive' }],
  ])('deletes checkpoints as %s, and saves again', async (_, storeOptions) => {
    const store = await fullStore(storeOptions)
    await store.delete([1, 2, 3])
    expect((await store.list()).map(({ step }) => step)).toEqual([4])
    await store.save({ step: 5, files: { 'model.bin': Buffer.alloc(1000) } })
    expect((await store.verify()).good).toBe(true)
  })

  test('deletes checkpoints one by one', async () => {
    const store = await fullStore({ mode: 'shared' })
    for (const step of [1, 2, 3]) {
      await store.delete([step])
      if (store.backend.capabilities.localRoot === undefined) throw new Error('not on a disk')
      const folder = dirname(store.backend.capabilities.localRoot)
      await (unit === 'byte' ? fill(folder) : fillInodes(folder))
    }
    expect((await store.list()).map(({ step }) => step)).toEqual([4])
  })

  test('prunes checkpoints', async () => {
    const store = await fullStore({ mode: 'shared', retention: { keepLast: 1 } })
    expect((await store.prune()).dropped.map(({ step }) => step)).toEqual([1, 2, 3])
    expect((await store.verify()).good).toBe(true)
  })

  test('frees space for a save', async () => {
    const store = await fullStore({ space: { makeRoom: true } })
    const { dropped } = await store.save({ step: 5, files: { 'model.bin': Buffer.alloc(400_000) } })
    expect(dropped.length).toBeGreaterThan(0)
    expect((await store.latest())?.step).toBe(5)
  })

  test('rejects a save before the first byte', async () => {
    const store = await fullStore({ mode: 'shared' })
    const before = await everythingIn(store.backend.capabilities.localRoot ?? '')
    const lack = unit === 'byte' ? /but only 0 B is free/ : /the file system has no inodes left/
    await expect(store.save({ step: 5, files: smallFile })).rejects.toThrow(lack)
    expect(await everythingIn(store.backend.capabilities.localRoot ?? '')).toEqual(before)
  })
})

test.skipIf(!mayMount)('names the inodes if they run out in the middle of a save', async () => {
  const folder = await mounted('size=64m,nr_inodes=60')
  await using store = await openStore(join(folder, 'store'), { mode: 'shared' })
  await store.save({ step: 1, files: smallFile })
  const before = await everythingIn(join(folder, 'store'))
  async function* source(): AsyncGenerator<Uint8Array> {
    await fillInodes(folder)
    yield Buffer.alloc(1)
  }
  const files = { a: source(), 'deep/b': Buffer.alloc(1) }
  await expect(store.save({ step: 2, files })).rejects.toThrow('the file system has no inodes left')
  expect(await everythingIn(join(folder, 'store'))).toEqual(before)
})
