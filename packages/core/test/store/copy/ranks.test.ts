import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { copyCheckpoints, MemoryBackend } from '../../../src/index.ts'
import { storeOn, temporaryFolder } from '../../stores.ts'
import { saveAll, startJob } from '../ranks/job.ts'
import { copied, latestStep } from './copies.ts'

test('copies the joint checkpoints of a running job from a process beside it, and brings the job back on a new disk', async () => {
  const disk = new MemoryBackend('mem:disk')
  const mirror = storeOn(new MemoryBackend('mem:mirror'), { mode: 'shared' })
  const beside = storeOn(disk, { mode: 'shared' })
  const ranks = startJob(disk, 2)
  await saveAll(ranks, 1)
  expect(await copied(beside, mirror)).toEqual(['copied 1'])
  await saveAll(ranks, 2) // the copy did not disturb the job
  expect(await copied(beside, mirror)).toEqual(['there 1', 'copied 2'])

  const newDisk = new MemoryBackend('mem:new')
  await copyCheckpoints(mirror, storeOn(newDisk, { mode: 'shared' }), { checkpoints: ['latest'] })
  const again = startJob(newDisk, 2)
  const folders = await Promise.all(again.map(() => temporaryFolder()))
  const restored = await Promise.all(
    again.map((rank, index) => rank.restore('latest', { to: folders[index] ?? '' })),
  )
  expect(restored.map((each) => each?.step)).toEqual([2, 2])
  expect(await readdir(folders[1] ?? '')).toEqual(['rank-0.bin', 'rank-1.bin'])
  await saveAll(again, 3)
  await copyCheckpoints(storeOn(newDisk, { mode: 'shared' }), mirror)
  expect(await latestStep(mirror)).toBe(3)
})

test('copies what a job saves again after all its ranks went back', async () => {
  const disk = new MemoryBackend('mem:disk')
  const mirror = storeOn(new MemoryBackend('mem:mirror'), { mode: 'shared' })
  const beside = storeOn(disk, { mode: 'shared' })
  const ranks = startJob(disk, 2)
  for (const step of [8, 16, 24]) await saveAll(ranks, step)
  await copied(beside, mirror)
  const again = startJob(disk, 2)
  await Promise.all(again.map((rank) => rank.rewind(16)))
  await saveAll(again, 24, 'again')
  expect(await copied(beside, mirror)).toEqual(['there 8', 'updated 16', 'copied 24'])
  expect(await latestStep(mirror)).toBe(24)
})
