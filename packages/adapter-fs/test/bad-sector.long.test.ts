import { execFileSync } from 'node:child_process'
import { open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { expect, onTestFinished, test } from 'vitest'
import { codeOf } from '@holdfast/conformance/testing'
import { temporaryFolder } from './folders.ts'

/** A real file system with checksums: a flipped bit beneath it surfaces as EIO. */
class Btrfs {
  readonly folder: string
  readonly #image: string
  #isMounted = false

  constructor(folder: string, image: string) {
    this.folder = folder
    this.#image = image
  }

  async format(): Promise<void> {
    await writeFile(this.#image, '')
    await truncate(this.#image, 128 * 2 ** 20)
    execFileSync('mkfs.btrfs', ['--quiet', this.#image], { stdio: 'pipe' })
  }

  /** The files are large enough to get extents of their own. Inline data would be mirrored with the metadata. */
  mount(): void {
    execFileSync('mount', ['-o', 'loop,max_inline=0', this.#image, this.folder], { stdio: 'pipe' })
    this.#isMounted = true
  }

  unmount(): void {
    if (this.#isMounted) execFileSync('umount', [this.folder])
    this.#isMounted = false
  }

  /** Flips one bit of these bytes, which the image contains exactly once. */
  async flip(bytes: Uint8Array): Promise<void> {
    const image = await readFile(this.#image)
    const at = image.indexOf(bytes)
    expect(at).toBeGreaterThan(0)
    expect(image.indexOf(bytes, at + 1)).toBe(-1)
    const handle = await open(this.#image, 'r+')
    await handle.write(Buffer.from([(image[at] ?? 0) ^ 1]), 0, 1, at)
    await handle.sync()
    await handle.close()
  }
}

/** A folder in which this user may mount a file system. */
async function btrfs(): Promise<Btrfs | undefined> {
  const folder = await temporaryFolder()
  const disk = new Btrfs(folder, join(await temporaryFolder(), 'image'))
  onTestFinished(() => {
    disk.unmount()
  })
  try {
    await disk.format()
    disk.mount()
  } catch {
    return undefined
  }
  return disk
}

const model = (step: number): Buffer => Buffer.from(`the model of step ${step} `.repeat(1000))

async function saved(root: string): Promise<void> {
  await using store = await openStore(root, { mode: 'shared' })
  for (const step of [1, 2, 3]) await store.save({ step, files: { model: model(step) } })
}

test('treats a flipped bit that surfaces as EIO as damage of the checkpoint', async ({ skip }) => {
  const disk = await btrfs()
  if (disk === undefined) return skip('this user may not mount btrfs')
  const root = join(disk.folder, 'store')
  await saved(root)
  disk.unmount()
  await disk.flip(model(3))
  disk.mount()
  await using store = await openStore(root, { mode: 'shared' })
  expect((await store.verify()).checkpoints.map(({ problems }) => problems.length)).toEqual([0, 0, 1])
  expect((await store.verify()).checkpoints[2]?.problems[0]).toContain('EIO')
  expect(await store.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
    step: 2,
    passedOver: [{ step: 3, quarantined: { kind: 'recorded' } }],
  })
  await store.close()
})

test('rebuilds the newest catalog version if a flipped bit makes it return EIO', async ({ skip }) => {
  const disk = await btrfs()
  if (disk === undefined) return skip('this user may not mount btrfs')
  const root = join(disk.folder, 'store')
  await saved(root)
  const newest = await readFile(join(root, 'catalog', `${'4'.padStart(16, '0')}.json`))
  disk.unmount()
  await disk.flip(newest)
  disk.mount()
  await using store = await openStore(root, { mode: 'shared' })
  expect(await codeOf(store.list())).toBe('CORRUPT')
  expect(await store.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
    step: 2,
    damagedCatalogs: [{ version: 4 }],
  })
  await store.save({ step: 4, files: { model: model(4) } })
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3, 4])
  await store.close()
})
