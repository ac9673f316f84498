import * as promises from 'node:fs/promises'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskOn } from '../src/disk.ts'
import { makeAsideFolder, setAside } from '../src/supervisor/set-aside.ts'
import { temporaryFolder } from './harness.ts'

test('sets a checkpoint on another file system aside in a hidden folder beside it', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'checkpoints', 'step_1')
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'model.bin'), 'half')
  const aside = await makeAsideFolder(folder, new Date(0))
  const disk = diskOn('linux', {
    ...promises,
    rename: async (from, to) => {
      if (String(to).startsWith(aside)) throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' })
      return promises.rename(from, to)
    },
  })
  const moved = await setAside({ name: 'checkpoints/step_1', path }, aside, disk)
  expect(moved).toMatch(/\/checkpoints\/\.holdfast-set-aside\/[^/]+\/step_1\.aside$/)
  expect(await readFile(join(moved ?? '', 'model.bin'), 'utf8')).toBe('half')
})
