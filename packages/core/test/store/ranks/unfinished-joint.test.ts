import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend } from '../../../src/index.ts'
import { codeOf, keysOf, storeOn } from '../../stores.ts'
import { rankOn, saveAll, shard, startJob, timelapse } from './job.ts'

async function joinAll(ranks: readonly CheckpointStore[]): Promise<void> {
  await Promise.all(ranks.map((store) => store.join()))
}

/** Saves the parts of some ranks, which do not wait for the others. */
async function saveSome(
  ranks: readonly CheckpointStore[],
  step: number,
  some: readonly number[],
): Promise<void> {
  for (const rank of some)
    expect(await codeOf(ranks[rank]?.save({ step, files: shard(rank, step) }) ?? Promise.resolve())).toBe(
      'INCOMPLETE',
    )
}

test('names the ranks for which an unfinished joint save waits', async () => {
  const backend = new MemoryBackend()
  const alone = storeOn(backend, { mode: 'shared' })
  expect(await alone.unfinishedJointSaves()).toEqual([])
  const ranks = startJob(backend, 4, { environmentOf: timelapse })
  await joinAll(ranks)
  const before = Date.now()
  await saveSome(ranks, 6, [0, 3])
  const [unfinished, ...others] = await alone.unfinishedJointSaves()
  expect(others).toEqual([])
  expect(unfinished).toMatchObject({ step: 6, size: 4, missing: [1, 2] })
  expect(unfinished?.since.getTime()).toBeGreaterThanOrEqual(before)
})

test('names all ranks while no rank has stored its part', async () => {
  const backend = new MemoryBackend()
  const alone = storeOn(backend, { mode: 'shared' })
  const ranks = startJob(backend, 2)
  await joinAll(ranks)
  await saveAll(ranks, 5)
  const stop = new AbortController()
  const [first] = ranks
  const source = async function* () {
    yield Buffer.from('the first bytes')
    expect(await alone.unfinishedJointSaves()).toMatchObject([{ step: 6, size: 2, missing: [0, 1] }])
    stop.abort()
  }
  const save = first?.save({ step: 6, files: { a: Readable.from(source()) }, signal: stop.signal })
  expect(await codeOf(save ?? Promise.resolve())).toBe('ABORTED')
})

test('forgets a joint save that is committed, that a later step has passed, or whose term has ended', async () => {
  const backend = new MemoryBackend()
  const alone = storeOn(backend, { mode: 'shared' })
  const ranks = startJob(backend, 2, { environmentOf: timelapse })
  await joinAll(ranks)
  await saveSome(ranks, 1, [0])
  await saveAll(ranks, 1)
  expect(await alone.unfinishedJointSaves()).toEqual([])
  await saveSome(ranks, 2, [1])
  await saveAll(ranks, 3)
  expect(await alone.unfinishedJointSaves()).toEqual([])
  await saveSome(ranks, 4, [1])
  expect(await alone.unfinishedJointSaves()).toMatchObject([{ step: 4, missing: [0] }])
  await joinAll(startJob(backend, 2))
  expect(await alone.unfinishedJointSaves()).toEqual([])
})

test('finds none after another writer has taken the store over, or if the agreements are lost', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 2, { environmentOf: timelapse })
  await joinAll(ranks)
  await saveSome(ranks, 1, [0])
  const owner = storeOn(backend)
  await owner.save({ step: 9, files: shard(0, 9) })
  expect(await owner.unfinishedJointSaves()).toEqual([])
  await joinAll([rankOn(backend, 0, 1)])
  await backend.delete(await keysOf(backend, 'agreements/'))
  expect(await storeOn(backend, { mode: 'shared' }).unfinishedJointSaves()).toEqual([])
})
