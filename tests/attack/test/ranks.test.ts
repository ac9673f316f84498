import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { campaign } from '../src/ranks/campaign.ts'
import { RankProcess } from '../src/ranks/job.ts'
import type { Message } from '../src/ranks/messages.ts'
import { JobOracle } from '../src/ranks/oracle.ts'
import { bytesOf, type Shard, shardOf, tornIn } from '../src/ranks/shard.ts'

const shards = [0, 1, 2].map((rank) => ({ rank, step: 5, generation: 2 }))

describe('the shards of a checkpoint', () => {
  test('are known again by their bytes, and not with a byte that differs', () => {
    const [shard = { rank: 9, step: 9, generation: 9 }] = shards
    const bytes = bytesOf(shard)
    expect(shardOf(bytes)).toEqual(shard)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    expect(shardOf(bytes)).toBeUndefined()
  })

  test.each<[string, readonly (Shard | undefined)[], string | undefined]>([
    ['are whole', shards, undefined],
    ['lack one', shards.slice(1), 'step 5 has 2 of 3 files'],
    [
      'are of two starts',
      shards.with(1, { rank: 1, step: 5, generation: 3 }),
      'step 5 mixes the starts 2, 3 of the job',
    ],
    [
      'are of two steps',
      shards.with(1, { rank: 1, step: 4, generation: 2 }),
      'the file of rank 1 at step 5 is that of rank 1 at step 4',
    ],
    ['have wrong bytes', [...shards.slice(0, 2), undefined], 'the file of rank 2 at step 5 has wrong bytes'],
  ])('%s', (_, given, torn) => {
    expect(tornIn(given, 5, 3)).toBe(torn)
  })
})

describe('the oracle of a job', () => {
  const restored = (step: number, generation = 1): Message => ({ kind: 'restored', step, generation })
  const saved = (step: number): Message => ({ kind: 'saved', step })
  type Heard = readonly [rank: number, start: number, message: Message]
  test.each<[string, readonly Heard[], string | undefined]>([
    [
      'accepts a job that goes on',
      [
        [0, 1, restored(0, 0)],
        [0, 1, saved(1)],
        [0, 2, restored(1)],
        [1, 2, restored(1)],
      ],
      undefined,
    ],
    [
      'finds ranks that resume from different steps',
      [
        [0, 1, restored(1)],
        [1, 1, restored(2)],
      ],
      'R2',
    ],
    [
      'finds an acknowledged step that is lost',
      [
        [0, 1, restored(0, 0)],
        [0, 1, saved(1)],
        [0, 2, restored(0, 0)],
      ],
      'R3',
    ],
    [
      'finds a step that an older start adds',
      [
        [0, 1, restored(0, 0)],
        [0, 2, restored(0, 0)],
        [1, 1, saved(1)],
      ],
      'R4',
    ],
    [
      'accepts a step of an older start that was there',
      [
        [0, 1, restored(0, 0)],
        [0, 2, restored(1)],
        [1, 1, saved(1)],
      ],
      undefined,
    ],
    ['accepts a process that is fenced', [[0, 1, { kind: 'ended', code: 'FENCED', message: '' }]], undefined],
    ['finds a process that fails', [[0, 1, { kind: 'ended', code: 'CORRUPT', message: '' }]], 'rank 0'],
  ])('%s', (_, heard, violation) => {
    const oracle = new JobOracle()
    for (const [rank, start, message] of heard) oracle.hear(rank, start, message)
    if (violation === undefined) expect(oracle.violations).toEqual([])
    else expect(oracle.violations[0]).toMatch(violation)
  })
})

const folderFor = async (name: string): Promise<string> => mkdtemp(join(tmpdir(), `holdfast-${name}-`))

test('resumes all ranks from the same whole checkpoint after ranks were killed on a disk', async () => {
  const folder = await folderFor('killed-ranks')
  const seed = Number(process.env['HOLDFAST_SEED'] ?? Date.now() % 1e6)
  const place = { env: {}, newStore: () => join(folder, 'store') }
  const { violations, kills } = await campaign(place, { seed, size: 3, kills: 6 })
  expect(violations, `seed ${seed}`).toEqual([])
  expect(kills).toBeGreaterThanOrEqual(6)
})

test('fences a rank that was stopped for longer than the timeout, once it continues', async () => {
  const folder = await folderFor('stopped-rank')
  const oracle = new JobOracle()
  const size = 3
  const waiting: {
    readonly until: (start: number, message: Message) => boolean
    readonly resolve: () => void
  }[] = []
  const heard = async (until: (start: number, message: Message) => boolean): Promise<void> =>
    new Promise((resolve) => waiting.push({ until, resolve }))
  const startJob = (generation: number): readonly RankProcess[] =>
    Array.from({ length: size }, (_, rank) => {
      const given = { url: join(folder, 'store'), folder, rank, size, generation }
      return new RankProcess({ ...given, joinTimeout: 110_000, saveTimeout: 1_500 }, {}, (from, message) => {
        oracle.hear(from.rank, from.generation, message)
        for (const { until, resolve } of waiting) if (until(from.generation, message)) resolve()
      })
    })
  const firstSaved = heard((start, { kind }) => start === 1 && kind === 'saved')
  const older = startJob(1)
  await firstSaved
  const late = heard((start, { kind }) => start === 1 && kind === 'incomplete')
  const stopped = older[1]
  stopped?.signal('SIGSTOP')
  await late
  const newerSaved = heard((start, { kind }) => start === 2 && kind === 'saved')
  const newer = startJob(2)
  await newerSaved
  stopped?.signal('SIGCONT')
  await stopped?.exited
  expect(stopped?.ended).toBe('FENCED')
  for (const each of [...older, ...newer]) each.signal('SIGKILL')
  await Promise.all([...older, ...newer].map((each) => each.exited))
  expect(oracle.violations).toEqual([])
})
