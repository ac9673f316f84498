import { expect, test } from 'vitest'
import { type CheckpointBackend, type CheckpointStore, MemoryBackend } from '../../../src/index.ts'
import { codeOf, flipBit, storeOn, tamper, temporaryFolder } from '../../stores.ts'
import { saveAll, shard, startJob } from './job.ts'

/** Restores all ranks, and returns what each of them got. */
async function restoreAll(ranks: readonly CheckpointStore[], maxTries?: number) {
  return Promise.all(
    ranks.map(async (store, rank) =>
      store.restore('latest', {
        to: await temporaryFolder(),
        files: [`rank-${rank}.bin`],
        fallback: true,
        maxTries,
      }),
    ),
  )
}

async function latestOf(backend: CheckpointBackend): Promise<number | undefined> {
  return (await storeOn(backend, { mode: 'shared' }).latest())?.step
}

/** How often a kind of commit is in the history of the catalog. */
async function commitsOf(backend: CheckpointBackend, did: string): Promise<number> {
  const found: string[] = []
  for await (const { key } of backend.list('catalog/')) found.push(key)
  const { body } = await backend.read(found.at(-1) ?? '')
  return (
    Buffer.concat(await Array.fromAsync(body))
      .toString()
      .split(`"did":"${did}`).length - 1
  )
}

async function savedJob(backend: CheckpointBackend, size: number, steps: readonly number[]) {
  const job = startJob(backend, size)
  for (const step of steps) await saveAll(job, step)
  return job
}

test('rewinds all ranks in one commit, and frees the later steps', async () => {
  const backend = new MemoryBackend()
  const ranks = await savedJob(backend, 3, [1, 2, 3])
  const reports = await Promise.all(ranks.map((store) => store.rewind(1)))
  for (const report of reports) {
    expect(report.step).toBe(1)
    expect(report.abandoned.map(({ step }) => step)).toEqual([2, 3])
  }
  expect(await commitsOf(backend, 'rewind to 1')).toBe(1)
  expect(await latestOf(backend)).toBe(1)
  expect((await restoreAll(ranks)).map((restored) => restored?.step)).toEqual([1, 1, 1])
  expect(await commitsOf(backend, 'take over for term')).toBe(2)
  await saveAll(ranks, 2, 'other')
  expect(await latestOf(backend)).toBe(2)
})

test('continues from the step of a rewind also without a restore, and in each order of both', async () => {
  const backend = new MemoryBackend()
  const ranks = await savedJob(backend, 2, [1, 2, 3])
  await Promise.all(ranks.map((store) => store.rewind(2)))
  await saveAll(ranks, 3, 'other')
  await Promise.all(ranks.map((store) => store.rewind(1)))
  const [zero, one] = ranks
  await zero?.rewind(1, { dryRun: true })
  await Promise.all([
    temporaryFolder()
      .then((to) => zero?.restore('latest', { to, fallback: true }))
      .then(() => zero?.save({ step: 2, files: shard(0, 2, 'new') })),
    temporaryFolder()
      .then((to) => one?.restore('latest', { to, fallback: true }))
      .then(() => one?.save({ step: 2, files: shard(1, 2, 'new') })),
  ])
  expect(await latestOf(backend)).toBe(2)
})

test('rejects a rewind to a step that is not saved without opening a term, and to different steps', async () => {
  const backend = new MemoryBackend()
  const ranks = await savedJob(backend, 2, [1, 2])
  for (const store of ranks) expect(await codeOf(store.rewind(7))).toBe('NOT_FOUND')
  await saveAll(ranks, 3)
  const outcomes = await Promise.all([
    codeOf(ranks[0]?.rewind(1) ?? Promise.resolve()),
    codeOf(ranks[1]?.rewind(2) ?? Promise.resolve()),
  ])
  expect(outcomes.toSorted()).toEqual(['INVALID_ARGUMENT', 'no error'])
})

test('reports what a rewind would abandon without opening a term', async () => {
  const backend = new MemoryBackend()
  const ranks = await savedJob(backend, 2, [1, 2])
  const report = await ranks[0]?.rewind(1, { dryRun: true })
  expect(report?.abandoned.map(({ step }) => step)).toEqual([2])
  await saveAll(ranks, 3)
})

test('fences the processes of the term before a rewind', async () => {
  const backend = new MemoryBackend()
  const older = await savedJob(backend, 2, [1, 2])
  const waiting = codeOf(older[0]?.save({ step: 3, files: shard(0, 3) }) ?? Promise.resolve())
  const newer = startJob(backend, 2)
  await Promise.all(newer.map((store) => store.rewind(1)))
  expect(await waiting).toBe('FENCED')
  expect(await latestOf(backend)).toBe(1)
})

test('prunes in one commit, whichever ranks call it', async () => {
  const backend = new MemoryBackend()
  await savedJob(backend, 4, [1, 2, 3, 4])
  const ranks = startJob(backend, 4, { retention: { keepLast: 2 } })
  await restoreAll(ranks)
  const plan = await ranks[2]?.prune({ dryRun: true })
  expect(plan?.dropped.map(({ step }) => step)).toEqual([1, 2])
  const reports = await Promise.all(ranks.map((store) => store.prune()))
  expect(reports.some(({ dropped }) => dropped.length === 2)).toBe(true)
  expect(await commitsOf(backend, 'prune')).toBe(1)
  const listed = await storeOn(backend, { mode: 'shared' }).list()
  expect(listed.map(({ step }) => step)).toEqual([3, 4])
  expect((await ranks[1]?.prune())?.dropped).toEqual([])
  await saveAll(ranks, 5)
})

test('prunes alone', async () => {
  const backend = new MemoryBackend()
  await savedJob(backend, 3, [1, 2, 3])
  const ranks = startJob(backend, 3, { retention: { keepLast: 1 } })
  await restoreAll(ranks)
  for (const store of ranks.slice(1)) expect((await store.prune()).dropped.length).toBeLessThanOrEqual(2)
  expect((await storeOn(backend, { mode: 'shared' }).list()).map(({ step }) => step)).toEqual([3])
})

test('counts a joint restore once per term, and steps back on all ranks from what was restored too often', async () => {
  const backend = new MemoryBackend()
  await savedJob(backend, 3, [1, 2])
  for (let tries = 1; tries <= 2; tries += 1) {
    const restored = await restoreAll(startJob(backend, 3), 2)
    expect(restored.map((each) => each?.step)).toEqual([2, 2, 2])
    expect(await commitsOf(backend, 'count a restore of 2')).toBe(tries)
  }
  const ranks = startJob(backend, 3)
  const restored = await restoreAll(ranks, 2)
  for (const each of restored) {
    expect(each?.step).toBe(1)
    expect(each?.passedOver.map(({ step, tries }) => ({ step, tries }))).toEqual([{ step: 2, tries: 2 }])
  }
  expect(await commitsOf(backend, 'rewind to 1')).toBe(1)
  await saveAll(ranks, 2, 'other')
  expect(await latestOf(backend)).toBe(2)
  expect((await restoreAll(startJob(backend, 3), 1)).map((each) => each?.step)).toEqual([2, 2, 2])
})

test('rejects with CORRUPT on all ranks if each checkpoint was restored too often', async () => {
  const backend = new MemoryBackend()
  await savedJob(backend, 2, [1])
  await restoreAll(startJob(backend, 2), 1)
  await Promise.all(
    startJob(backend, 2).map(async (store) => {
      const restored = store.restore('latest', { to: await temporaryFolder(), fallback: true, maxTries: 1 })
      await expect(restored).rejects.toMatchObject({
        code: 'CORRUPT',
        hint: { kind: 'mark-good', step: 1 },
      })
    }),
  )
})

test('steps back over a checkpoint that was restored too often and one that is corrupt for one rank', async () => {
  const backend = new MemoryBackend()
  await savedJob(backend, 2, [1, 2, 3])
  await restoreAll(startJob(backend, 2), 1)
  const details = await storeOn(backend, { mode: 'shared' }).get(2)
  await tamper(backend, details?.files[1]?.key ?? '', flipBit)
  const ranks = startJob(backend, 2)
  const restored = await restoreAll(ranks, 1)
  for (const each of restored) {
    expect(each?.step).toBe(1)
    expect(each?.passedOver.map(({ step }) => step)).toEqual([3, 2])
  }
  await saveAll(ranks, 2, 'other')
  expect(await latestOf(backend)).toBe(2)
})

/** A job that resumed from step 1 and saved steps 2 and 3. */
async function resumedJob(backend: CheckpointBackend): Promise<void> {
  await savedJob(backend, 2, [1])
  const ranks = startJob(backend, 2)
  await restoreAll(ranks)
  for (const step of [2, 3]) await saveAll(ranks, step)
}

test('goes to the next older checkpoint of a job that has resumed if one is corrupt for one rank', async () => {
  const backend = new MemoryBackend()
  await resumedJob(backend)
  const details = await storeOn(backend, { mode: 'shared' }).get(3)
  await tamper(backend, details?.files[1]?.key ?? '', flipBit)
  const ranks = startJob(backend, 2)
  expect((await restoreAll(ranks)).map((restored) => restored?.step)).toEqual([2, 2])
  await saveAll(ranks, 3, 'other')
  expect(await latestOf(backend)).toBe(3)
})

test('steps back to the next older checkpoint of a job that has resumed, and abandons no older one', async () => {
  const backend = new MemoryBackend()
  await resumedJob(backend)
  await restoreAll(startJob(backend, 2), 1)
  const ranks = startJob(backend, 2)
  expect((await restoreAll(ranks, 1)).map((restored) => restored?.step)).toEqual([2, 2])
  const abandoned = await storeOn(backend, { mode: 'shared' }).abandoned()
  expect(abandoned.map(({ step }) => step)).toEqual([3])
})

test('lets one process go to the next older checkpoint of a job that has resumed', async () => {
  const backend = new MemoryBackend()
  await resumedJob(backend)
  const alone = storeOn(backend, { mode: 'shared' })
  await tamper(backend, (await alone.get(3))?.files[1]?.key ?? '', flipBit)
  const restored = await alone.restore('latest', { to: await temporaryFolder(), fallback: true })
  expect(restored?.step).toBe(2)
})

/** Restores or joins with all ranks of a start, and returns the code of each error. */
async function codesOf(backend: CheckpointBackend, call: 'restore' | 'join') {
  return Promise.all(
    startJob(backend, 2).map(async (store) => {
      const to = await temporaryFolder()
      return codeOf(
        call === 'join' ? store.join({ fallback: true }) : store.restore('latest', { to, fallback: true }),
      )
    }),
  )
}

test.each(['restore', 'join'] as const)(
  'rejects a %s with CORRUPT at each start if only quarantined and abandoned checkpoints are left',
  async (call) => {
    const backend = new MemoryBackend()
    const ranks = await savedJob(backend, 2, [16, 24])
    await Promise.all(ranks.map((store) => store.rewind(16)))
    const alone = storeOn(backend, { mode: 'shared' })
    await tamper(backend, (await alone.get(16))?.files[1]?.key ?? '', flipBit)
    expect(await codesOf(backend, 'restore')).toEqual(['CORRUPT', 'CORRUPT'])
    expect(await codesOf(backend, call)).toEqual(['CORRUPT', 'CORRUPT'])
    expect((await alone.abandoned()).map(({ step }) => step)).toEqual([24])
    expect(await alone.presence()).toBe('filled')
  },
)

test('rejects with CORRUPT at each start if all checkpoints are quarantined, and starts from nothing once they are deleted', async () => {
  const backend = new MemoryBackend()
  await savedJob(backend, 2, [1])
  const alone = storeOn(backend, { mode: 'shared', takeOver: true })
  await tamper(backend, (await alone.get(1))?.files[1]?.key ?? '', flipBit)
  for (let start = 1; start <= 2; start += 1)
    expect(await codesOf(backend, 'restore')).toEqual(['CORRUPT', 'CORRUPT'])
  await expect(alone.restore('latest', { to: await temporaryFolder() })).rejects.toThrow(
    'No good checkpoint is left: step 1 is quarantined',
  )
  await alone.delete([1])
  expect(await codesOf(backend, 'restore')).toEqual(['no error', 'no error'])
})
