import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointStore, MemoryBackend } from '@holdfast/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { everythingIn } from './folders.ts'
import { loopFileSystem } from './loop-file-system.ts'

const exfat = await loopFileSystem('exfat')

describe('on exFAT, which has no hard links,', () => {
  let folder = ''
  let cases = 0

  beforeEach(({ skip }) => {
    if (exfat.how === 'unavailable') return skip(exfat.reason)
    cases += 1
    folder = join(exfat.folder, String(cases))
  })

  test('a store is refused at the first save, and leaves nothing', async () => {
    await using store = new CheckpointStore(new FileBackend(folder))
    const saved = store.save({ step: 1, files: { 'model.bin': Buffer.from('weights') } })
    await expect(saved).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(await store.list()).toEqual([])
    expect(existsSync(folder)).toBe(false)
  })

  test('a checkpoint is restored, replaced, and restored exactly', async () => {
    await using store = new CheckpointStore(new MemoryBackend())
    for (const step of [1, 2])
      await store.save({
        step,
        files: { 'Größe/a.bin': Buffer.from(`a ${step}`), 'b.bin': Buffer.from('b') },
      })
    for (const step of [1, 2, 1]) {
      const restored = await store.restore(step, { to: folder })
      expect(restored?.otherFiles).toMatchObject({ count: 0 })
    }
    await writeFile(join(folder, 'other'), 'other')
    const restored = await store.restore(2, { to: folder, exact: true })
    expect(restored?.otherFiles).toMatchObject({ count: 1, removed: true })
    expect(await everythingIn(folder)).toEqual(['Größe', 'Größe/a.bin', 'b.bin'])
  })

  test('a name in another case is the same file', async () => {
    await using store = new CheckpointStore(new MemoryBackend())
    await store.save({ step: 1, files: { 'Model.bin': Buffer.from('upper') } })
    await store.save({ step: 2, files: { 'model.bin': Buffer.from('lower') } })
    await store.restore(1, { to: folder })
    const restored = await store.restore(2, { to: folder })
    expect(restored?.otherFiles).toMatchObject({ count: 0 })
    expect(await readdir(folder)).toHaveLength(1)
  })
})
