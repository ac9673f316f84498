import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { codeOf } from './code-of.ts'
import { everythingIn, temporaryFolder } from './folders.ts'

const total = 8 * 2 ** 20

/** A small real file system of its own; `undefined` where this user may not mount one. */
async function smallFileSystem(): Promise<string | undefined> {
  const folder = await temporaryFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${total}`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    return undefined
  }
  onTestFinished(() => {
    execFileSync('umount', [folder])
  })
  return folder
}

async function* unknownLength(bytes: number): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < bytes; given += 65_536) yield Buffer.alloc(65_536, 1)
}

test('on a file system that fills up: refused before it starts, or failed cleanly, and the store is as before', async ({
  skip,
}) => {
  const folder = await smallFileSystem()
  if (folder === undefined) {
    skip('this user may not mount a small file system')
    return
  }
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
})

test(
  'with not a byte left at any moment of a save, the store is as before',
  { timeout: 60_000 },
  async ({ skip }) => {
    const folder = await smallFileSystem()
    if (folder === undefined) {
      skip('this user may not mount a small file system')
      return
    }
    const root = join(folder, 'store')
    await using store = await openStore(root)
    await store.save({ step: 1, files: { a: Buffer.alloc(100_000, 1) } })
    const free = (await store.backend.freeSpace()) as { readonly available: number }
    const block = 4096
    let failures = 0
    // The free space shrinks by a block at a time until the smallest save fits no more, at whatever write it stops.
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
