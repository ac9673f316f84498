import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MemoryBackend } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { MemoryFile } from '../src/memory/memory-file.ts'
import type { Adopted } from '../src/memory/memory.ts'
import { torchFile } from './archives.ts'
import { storeOn, temporaryFolder, Watched } from './harness.ts'

async function fileIn(folder: string): Promise<string> {
  const name = (await readdir(folder)).find((each) => each.startsWith('.holdfast-watch-')) ?? ''
  return join(folder, name)
}

describe('the record of adopted checkpoints', () => {
  function adopted(step: number): Adopted {
    const files = Object.fromEntries(
      Array.from({ length: 100 }, (_, rank) => [`__${rank}_0.distcp`, `${step}:${rank}:1700000000000000000`]),
    )
    return {
      name: `step_${step}`,
      step,
      layout: 'dcp',
      isNumbered: true,
      digest: `digest of ${step}`,
      fingerprint: `fingerprint of ${step}`,
      seal: { marker: 'marker', files },
    }
  }

  test('stays small if each checkpoint has a new name and is deleted', async () => {
    const folder = await temporaryFolder()
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    const file = new MemoryFile(store, folder)
    const memory = await file.read(undefined)
    for (let step = 1; step <= 1500; step += 1) {
      memory.add(adopted(step))
      memory.continueFrom(adopted(step))
      const { digest } = adopted(step)
      expect(await file.add([adopted(step), { continued: { step, digest } }], undefined)).toBeUndefined()
      memory.prune(new Set([`step_${step}`]))
      await file.tidy(memory, undefined)
    }
    expect((await stat(await fileIn(folder))).size).toBeLessThan(2 * 2 ** 20)
    const again = await new MemoryFile(store, folder).read(undefined)
    again.prune(new Set(['step_1500']))
    expect(again.all).toEqual(memory.all)
    expect(again.get('step_1500')).toEqual(adopted(1500))
    expect(again.last).toEqual({ step: 1500, digest: 'digest of 1500' })
    expect(await readdir(folder)).toHaveLength(1)
  })

  test('that cannot be rewritten is only larger than necessary', async () => {
    const folder = await temporaryFolder()
    const store = storeOn(new MemoryBackend())
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    const file = new MemoryFile(store, folder)
    const memory = await file.read(undefined)
    await file.add(
      Array.from({ length: 500 }, (_, step) => adopted(step)),
      undefined,
    )
    const path = await fileIn(folder)
    const before = await stat(path)
    await mkdir(`${path}.${process.pid}.tmp`) // neither a file can be written there, nor can it be removed
    await file.tidy(memory, undefined)
    expect(before.size).toBeGreaterThan(2 ** 20)
    expect((await stat(path)).size).toBe(before.size)
  })

  test('that cannot be written is no failed save, and is written once it can be', async () => {
    const watched = await Watched.begin()
    await watched.write('step_1.pth', torchFile('a'))
    await watched.settle()
    const path = await fileIn(watched.folder)
    await rm(path)
    await mkdir(path)
    await watched.write('step_2.pth', torchFile('b'))
    expect(await watched.settle()).toEqual(['step_2.pth'])
    expect(watched.told('failed')).toEqual([])
    expect(watched.told('forgetful')).toHaveLength(1)
    await rm(path, { recursive: true })
    await watched.scan()
    watched.restart()
    await watched.remove('step_1.pth')
    expect(await watched.settle()).toEqual([])
    expect(watched.told('known')).toEqual([])
  })
})
