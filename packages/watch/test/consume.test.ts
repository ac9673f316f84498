import * as promises from 'node:fs/promises'
import { link, mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HoldfastError } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { recoverConsumed } from '../src/adoption/consume.ts'
import { diskOn } from '../src/disk.ts'
import { torchFile } from './archives.ts'
import { breakFolder } from './broken-folder.ts'
import { Watched } from './harness.ts'

/** The names in the folder, without the record of what was adopted. */
async function namesIn(watched: Watched): Promise<readonly string[]> {
  return (await readdir(watched.folder)).filter((name) => !name.endsWith('.jsonl')).toSorted()
}

/** Scans until every pause after a failure has passed. */
async function scanLater(watched: Watched): Promise<void> {
  for (let scans = 0; scans < 8; scans += 1) {
    watched.clock.pass(5 * 60_000)
    await watched.scan()
  }
}

/** The bytes of each saved step, in order. */
async function storedBytes(watched: Watched): Promise<readonly Buffer[]> {
  const steps = (await watched.steps()).toSorted((a, b) => a - b)
  return Promise.all(steps.map((step) => watched.bytesOf(step, 'step_1.pth')))
}

describe('what a killed process left while it deleted a consumed checkpoint', () => {
  async function withAdopted(): Promise<Watched> {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.settle()).toEqual(['step_1.pth'])
    return watched
  }

  async function moveInto(watched: Watched, folder: string): Promise<void> {
    await mkdir(watched.path(folder))
    await rename(watched.path('step_1.pth'), watched.path(`${folder}/step_1.pth`))
    watched.restart()
  }

  test('is put back, and is then known', async () => {
    const watched = await withAdopted()
    await moveInto(watched, '.holdfast-consuming-a')
    expect(await watched.settle()).toEqual([])
    expect(watched.told('known')).toEqual([{ type: 'known', name: 'step_1.pth', step: 1, isListed: true }])
    expect(await namesIn(watched)).toEqual(['step_1.pth'])
  })

  test('is saved if it was written after the adoption', async () => {
    const watched = await withAdopted()
    await watched.write('step_1.pth', torchFile('written anew'))
    await moveInto(watched, '.holdfast-consuming-a')
    expect(await watched.settle()).toEqual(['step_1.pth'])
    expect(await watched.bytesOf(1, 'step_1.pth')).toEqual(torchFile('written anew'))
  })

  test('is deleted if it was known to be the adopted one', async () => {
    const watched = await withAdopted()
    await moveInto(watched, '.holdfast-deleting-a')
    await watched.write('step_2.pth', torchFile('b'))
    expect(await watched.settle()).toEqual(['step_2.pth'])
    expect(await namesIn(watched)).toEqual(['step_2.pth'])
  })

  test.each(['step_{step}.pth', '*.pth'])('is kept forever if its place is taken (%s)', async (pattern) => {
    const watched = await Watched.begin({ consume: true, layout: { pattern } })
    await watched.write('.holdfast-consuming-a/step_1.pth', torchFile('older'))
    await watched.write('step_1.pth', torchFile('newest'))
    expect(await watched.settle()).toEqual(['step_1.pth'])
    await scanLater(watched)
    watched.restart()
    await scanLater(watched)
    expect(await storedBytes(watched)).toEqual([torchFile('newest')])
    expect(watched.told('notConsumed')).toMatchObject([
      { name: '.holdfast-kept-a', error: { code: 'UNAVAILABLE' }, retryIn: undefined },
    ])
    expect(watched.told('notConsumed')[0]?.error.reason).toContain(
      watched.path('.holdfast-kept-a/step_1.pth'),
    )
    expect(await namesIn(watched)).toEqual(['.holdfast-kept-a'])
    expect(await readFile(watched.path('.holdfast-kept-a/step_1.pth'))).toEqual(torchFile('older'))
  })

  test('is kept if its place is taken by a folder', async () => {
    const watched = await Watched.begin({ layout: { pattern: 'step_{step}/' } })
    await watched.write('.holdfast-consuming-a/step_1/a.pth', torchFile('older'))
    await watched.write('step_1/b.pth', torchFile('newest'))
    await watched.settle()
    expect(await namesIn(watched)).toEqual(['.holdfast-kept-a', 'step_1'])
    expect(await readdir(watched.path('step_1'))).toEqual(['b.pth'])
  })

  test('is only unlinked if it was put back already', async () => {
    const watched = await withAdopted()
    await mkdir(watched.path('.holdfast-consuming-a'))
    await link(watched.path('step_1.pth'), watched.path('.holdfast-consuming-a/step_1.pth'))
    watched.restart()
    await watched.settle()
    expect(await namesIn(watched)).toEqual(['step_1.pth'])
    expect(watched.told('notConsumed')).toEqual([])
  })

  test('is not looked for in a folder that cannot be read, which is reported', async () => {
    const watched = await Watched.begin()
    breakFolder(watched.folder, () => 'EACCES')
    await expect(recoverConsumed(watched.folder)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })
})

describe('a checkpoint that the trainer writes twice while it is deleted', () => {
  test.each(['step_{step}.pth', '*.pth'])('stays in its newest version (%s)', async (pattern) => {
    const path = 'step_1.pth'
    let isRewritten = false
    const disk = diskOn('linux', {
      ...promises,
      rename: async (from, to) => {
        const isMoveAside = !isRewritten && String(from).endsWith(`/${path}`)
        if (!isMoveAside) return promises.rename(from, to)
        isRewritten = true
        await watched.remove(path)
        await watched.write(path, torchFile('middle'))
        await promises.rename(from, to)
        await watched.write(path, torchFile('newest'))
      },
    })
    const watched = await Watched.begin({ consume: true, disk, layout: { pattern } })
    await watched.write(path, torchFile('first'))
    await watched.settle()
    await scanLater(watched)
    expect((await storedBytes(watched)).at(-1)).toEqual(torchFile('newest'))
    expect(await storedBytes(watched)).not.toContainEqual(torchFile('middle'))
    const kept: unknown = expect.stringMatching(/^\.holdfast-kept-\w+$/)
    expect(watched.told('notConsumed')).toMatchObject([{ name: kept, retryIn: undefined }])
    const names = await namesIn(watched)
    expect(names).toEqual([kept])
    expect(await readFile(watched.path(`${names[0]}/${path}`))).toEqual(torchFile('middle'))
  })
})

describe('after the commit of a checkpoint', () => {
  test.each(['step_1.pth', 'runs/step_1.pth'])(
    'a deletion of %s that the disk refuses is reported, and tried again by later scans',
    async (name) => {
      const refusals = [1, 2, 3]
      const disk = diskOn('linux', {
        ...promises,
        rm: async (path, options) => {
          if (refusals.shift() === undefined) return promises.rm(path, options)
          throw Object.assign(new Error('resource busy'), { code: 'EBUSY' })
        },
      })
      const watched = await Watched.begin({
        consume: true,
        disk,
        layout: { pattern: name.replace('1', '{step}') },
      })
      await watched.write(name, torchFile('a'))
      expect(await watched.settle()).toEqual([name])
      await watched.scan()
      await watched.scan() // too early for another try
      expect(refusals).toEqual([3])
      watched.clock.pass(5_000)
      await watched.scan()
      const leftover: unknown = expect.stringMatching(/\.holdfast-deleting-\w+$/)
      expect(watched.told('notConsumed')).toMatchObject([
        { name, retryIn: 5_000 },
        { name: leftover, retryIn: 5_000 },
        { name: leftover, retryIn: 10_000 },
      ])
      const folder = dirname(watched.path(name))
      expect(await readdir(folder)).toEqual(expect.arrayContaining([leftover]))
      watched.clock.pass(10_000)
      await watched.scan()
      expect(await readdir(folder)).not.toEqual(expect.arrayContaining([leftover]))
    },
  )

  test('a fault of its deletion is not a failed save, and is tried again', async () => {
    const watched = await Watched.begin({ consume: true })
    const read = watched.backend.read.bind(watched.backend)
    let failures = 0
    watched.backend.read = async (key, options) => {
      if (watched.told('adopted').length === 0 || !key.includes('manifest') || failures === 1)
        return read(key, options)
      failures += 1
      throw new HoldfastError('UNAVAILABLE', 'The store cannot be reached.')
    }
    await watched.write('step_1.pth', torchFile('a'))
    expect(await watched.settle()).toEqual(['step_1.pth'])
    expect(watched.told('notConsumed')).toMatchObject([{ name: 'step_1.pth', retryIn: 5_000 }])
    expect(watched.told('failed')).toEqual([])
    expect(await namesIn(watched)).toEqual(['step_1.pth'])
    watched.clock.pass(5_000)
    await watched.scan()
    expect(watched.told('consumed')).toEqual([{ type: 'consumed', name: 'step_1.pth' }])
    expect(await namesIn(watched)).toEqual([])
  })
})
