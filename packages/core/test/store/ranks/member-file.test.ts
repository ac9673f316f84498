import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type CheckpointBackend, type CheckpointStore, MemoryBackend } from '../../../src/index.ts'
import { keysOf, storeOn, temporaryFolder } from '../../stores.ts'
import { rankOn, shard } from './job.ts'

const timeouts = { joinTimeout: 10_000, saveTimeout: 10_000 }

/** A file for each rank of two. */
async function memberFiles(): Promise<readonly [string, string]> {
  const folder = await temporaryFolder()
  return [join(folder, 'member-0'), join(folder, 'member-1')]
}

/** A process that starts as each rank, with its file. */
function starting(backend: CheckpointBackend, files: readonly string[]): readonly CheckpointStore[] {
  return files.map((memberFile, rank) => rankOn(backend, rank, files.length, { ...timeouts, memberFile }))
}

/** A later process of each rank. */
function continuing(backend: CheckpointBackend, files: readonly string[]): readonly CheckpointStore[] {
  return files.map((memberFile) => storeOn(backend, { ranks: { memberFile, ...timeouts } }))
}

async function restoreAll(ranks: readonly CheckpointStore[]): Promise<readonly (number | undefined)[]> {
  return Promise.all(
    ranks.map(async (store) => (await store.restore('latest', { to: await temporaryFolder() }))?.step),
  )
}

async function saveAll(ranks: readonly CheckpointStore[], step: number): Promise<void> {
  await Promise.all(ranks.map((store, rank) => store.save({ step, files: shard(rank, step) })))
}

async function stepsOf(backend: CheckpointBackend): Promise<readonly number[]> {
  return (await storeOn(backend, { mode: 'shared' }).list()).map(({ step }) => step)
}

test('lets later processes save as the members that a restore made them, without joining again', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  expect(await restoreAll(starting(backend, files))).toEqual([undefined, undefined])
  for (const step of [1, 2, 3]) await saveAll(continuing(backend, files), step)
  expect(await stepsOf(backend)).toEqual([1, 2, 3])
  expect(await keysOf(backend, 'agreements/starts/')).toHaveLength(2)
  expect(await restoreAll(starting(backend, files))).toEqual([3, 3])
  const starts = await keysOf(backend, 'agreements/starts/')
  for (const rank of [0, 1]) expect(starts).toContain(`agreements/starts/${rank}/0000000002.json`)
  await saveAll(continuing(backend, files), 4)
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.step).toBe(4)
})

test('deletes the agreements on the step before, also if another process saved it', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  for (const step of [1, 2, 3]) {
    const ranks = continuing(backend, files)
    await saveAll(ranks, step)
    for (const store of ranks) await store.flush()
  }
  expect(await keysOf(backend, 'agreements/terms/0000000001/parts/')).toHaveLength(2)
  expect(await keysOf(backend, 'agreements/terms/0000000001/attempts/')).toHaveLength(1)
})

test('joins without restoring files, and continues from the checkpoint that the ranks agree on', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  await saveAll(continuing(backend, files), 1)
  const [zero, one] = starting(backend, files)
  const joined = await Promise.all([
    zero?.join(),
    one?.restore('latest', { to: await temporaryFolder() }).then((restored) => ({ step: restored?.step })),
  ])
  expect(joined).toEqual([{ step: 1 }, { step: 1 }])
  await saveAll(continuing(backend, files), 2)
  expect((await storeOn(backend, { mode: 'shared' }).get(2))?.fileCount).toBe(2)
})

test('rewinds with a file, and restores or saves with it afterwards', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  for (const step of [1, 2]) await saveAll(continuing(backend, files), step)
  const ranks = starting(backend, files)
  await Promise.all(ranks.map((store) => store.rewind(1)))
  expect(await restoreAll(ranks)).toEqual([1, 1])
  await saveAll(continuing(backend, files), 2)
  await Promise.all(starting(backend, files).map((store) => store.rewind(1)))
  await saveAll(continuing(backend, files), 3)
  const [zero] = continuing(backend, files)
  expect((await zero?.prune())?.dropped).toEqual([])
  expect(await stepsOf(backend)).toEqual([1, 3])
})

test('rejects a join of a process that is no rank', async () => {
  await expect(storeOn(new MemoryBackend()).join()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('fences a process with the file of an earlier start, and names the remedy', async () => {
  const backend = new MemoryBackend()
  const [older, newer] = [await memberFiles(), await memberFiles()]
  await restoreAll(starting(backend, older))
  await restoreAll(starting(backend, newer))
  const [stale] = continuing(backend, older)
  await expect(stale?.save({ step: 1, files: shard(0, 1) })).rejects.toMatchObject({
    code: 'FENCED',
    hint: { kind: 'join-job' },
  })
  await saveAll(continuing(backend, newer), 1)
})

test('fences a rank that has started again alone, before the other ranks have joined', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  const [, another] = await memberFiles()
  await restoreAll(starting(backend, files))
  const again = rankOn(backend, 1, 2, { joinTimeout: 50, memberFile: another })
  await expect(again.join()).rejects.toMatchObject({ code: 'INCOMPLETE' })
  const [, stale] = continuing(backend, files)
  await expect(stale?.save({ step: 1, files: shard(1, 1) })).rejects.toMatchObject({
    code: 'FENCED',
    message: expect.stringContaining('Rank 1 of this job was started again') as string,
  })
})

test('removes the file before it joins, so a restore that fails leaves no member', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  const alone = rankOn(backend, 0, 2, { joinTimeout: 50, memberFile: files[0] })
  await expect(alone.join()).rejects.toMatchObject({ code: 'INCOMPLETE' })
  const [stale] = continuing(backend, files)
  await expect(stale?.save({ step: 1, files: shard(0, 1) })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('no member file') as string,
  })
})

test.each([
  ['is truncated', (text: string) => text.slice(0, 40)],
  ['is empty', () => ''],
  ['has a changed digit', (text: string) => text.replace('"rank":0', '"rank":1')],
  ['is another document', () => '{"rank":0}\n'],
])('rejects a member file that %s', async (_, change) => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  await writeFile(files[0], change(await readFile(files[0], 'utf8')))
  const [damaged] = continuing(backend, files)
  await expect(damaged?.save({ step: 1, files: shard(0, 1) })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(files[0]) as string,
  })
})

test('rejects a member file of another store', async () => {
  const [backend, other] = [new MemoryBackend(), new MemoryBackend()]
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  await restoreAll(starting(other, await memberFiles()))
  for (const place of [other, new MemoryBackend()]) {
    const [foreign] = continuing(place, files)
    await expect(foreign?.save({ step: 1, files: shard(0, 1) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('another store') as string,
    })
  }
})

test('rejects two ranks that are given the same file', async () => {
  const backend = new MemoryBackend()
  const [shared] = await memberFiles()
  const outcomes = await Promise.allSettled(starting(backend, [shared, shared]).map((store) => store.join()))
  const failed = outcomes.filter(({ status }) => status === 'rejected')
  expect(failed).toHaveLength(1)
  expect(failed[0]).toMatchObject({
    reason: {
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('Give each rank a file of its own') as string,
    },
  })
})

test('rejects the member file of another rank or of a job of another size', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  for (const [rank, size] of [
    [1, 2],
    [0, 3],
  ] as const) {
    const wrong = rankOn(backend, rank, size, { memberFile: files[0] })
    await expect(wrong.save({ step: 1, files: shard(0, 1) })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(`rank 0 of 2, and this process is rank ${rank} of ${size}`) as string,
    })
  }
})

test('refuses an earlier step than the start of the job has saved, also of another process', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  await saveAll(continuing(backend, files), 5)
  const [zero] = continuing(backend, files)
  await expect(zero?.save({ step: 4, files: shard(0, 4) })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('before step 5') as string,
  })
  await restoreAll(starting(backend, files))
  await saveAll(continuing(backend, files), 4)
})

test('repeats a save of which this process died, whether its part was stored or not', async () => {
  const backend = new MemoryBackend()
  const files = await memberFiles()
  await restoreAll(starting(backend, files))
  const early = storeOn(backend, { ranks: { memberFile: files[0], saveTimeout: 50 } })
  await expect(early.save({ step: 1, files: shard(0, 1) })).rejects.toMatchObject({ code: 'INCOMPLETE' })
  await saveAll(continuing(backend, files), 1)
  await saveAll(continuing(backend, files), 1)
  expect(await stepsOf(backend)).toEqual([1])
})

test('requires the number of ranks to join', async () => {
  const [file] = await memberFiles()
  const store = storeOn(new MemoryBackend(), { ranks: { memberFile: file } })
  await expect(store.join()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('rejects a member file in a folder that does not exist, before it joins', async () => {
  const backend = new MemoryBackend()
  const memberFile = join(await temporaryFolder(), 'missing', 'member')
  await expect(rankOn(backend, 0, 1, { memberFile }).join()).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  })
  expect(await keysOf(backend)).toEqual([])
})
