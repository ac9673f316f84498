import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { catalogVersionOf, decodeCatalog } from '../../../src/catalog/documents/index.ts'
import { messageOf } from '../../../src/errors.ts'
import {
  type CheckpointBackend,
  type CheckpointStore,
  copyCheckpoints,
  MemoryBackend,
} from '../../../src/index.ts'
import { codeOf, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../../stores.ts'
import { busyEnvironment, longJoin, rankOn, saveAll, shard, startJob, timelapse } from './job.ts'

/** Restores every rank into a folder of its own. */
async function restoreAll(ranks: readonly CheckpointStore[], options: { readonly fallback?: boolean } = {}) {
  return Promise.all(
    ranks.map(async (store) => {
      const to = await temporaryFolder()
      const restored = await store.restore('latest', { to, ...options })
      return { to, step: restored?.step, restored }
    }),
  )
}

/** Flips a bit of the file of a rank. */
async function damageShard(backend: CheckpointBackend, step: number, rank: number): Promise<void> {
  const details = await storeOn(backend, { mode: 'shared' }).get(step)
  const damaged = details?.files.find(({ name }) => name === `rank-${rank}.bin`)?.key ?? ''
  await tamper(backend, damaged, flipBit)
}

/** Stops a rank after it has agreed on a checkpoint, until something has happened. */
function lateAfterChoice(backend: CheckpointBackend, hasHappened: () => Promise<boolean>): CheckpointBackend {
  const commit: CheckpointBackend['commit'] = async (key, ...others) => {
    const outcome = await backend.commit(key, ...others)
    if (key.includes('/choice/')) while (!(await hasHappened())) await setImmediate()
    return outcome
  }
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'commit') return commit
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

test('saves one checkpoint with the files of all ranks', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 4)
  const saved = await saveAll(ranks, 10)
  const names = ['rank-0.bin', 'rank-1.bin', 'rank-2.bin', 'rank-3.bin']
  for (const result of saved) {
    expect(result.step).toBe(10)
    expect(result.files.map(({ name }) => name)).toEqual(names)
    expect(result.fileCount).toBe(4)
  }
  const alone = storeOn(backend, { mode: 'shared' })
  expect((await alone.list()).map(({ step }) => step)).toEqual([10])
  expect((await alone.verify()).good).toBe(true)
})

test('packs the small files of each rank, and restores them', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 2)
  const filesOf = (rank: number): Record<string, Uint8Array> =>
    Object.fromEntries(
      [0, 1, 2].map((file) => [`${rank}/${file}`, Buffer.from(`file ${file} of rank ${rank}`)]),
    )
  await Promise.all(
    ranks.map((store, rank) => store.save({ step: 1, files: filesOf(rank), packs: 'always' })),
  )
  // Two packs and a manifest.
  expect(await keysOf(backend, 'data/')).toHaveLength(3)
  const alone = storeOn(backend, { mode: 'shared' })
  expect((await alone.verify()).good).toBe(true)
  const to = await temporaryFolder()
  await alone.restore(1, { to })
  expect(await readFile(join(to, '1', '2'), 'utf8')).toBe('file 2 of rank 1')
})

test('resumes all ranks of a restarted job from the same checkpoint', async () => {
  const backend = new MemoryBackend()
  const first = startJob(backend, 3)
  expect((await restoreAll(first)).map(({ step }) => step)).toEqual([undefined, undefined, undefined])
  await saveAll(first, 1)
  await saveAll(first, 2)
  const second = startJob(backend, 3)
  const restored = await restoreAll(second)
  expect(restored.map(({ step }) => step)).toEqual([2, 2, 2])
  for (const { to } of restored) expect(await readdir(to)).toHaveLength(3)
  await saveAll(second, 3)
  const { files } = (await storeOn(backend, { mode: 'shared' }).get('latest')) ?? { files: [] }
  expect(files).toHaveLength(3)
})

test('lets each rank restore the files that match its pattern', async () => {
  const backend = new MemoryBackend()
  const filesOf = (rank: number): Record<string, Uint8Array> => ({
    [`rank${rank}/model.bin`]: Buffer.from(`model ${rank}`),
    [`rank${rank}/optimizer.bin`]: Buffer.from(`optimizer ${rank}`),
  })
  await Promise.all(startJob(backend, 2).map((store, rank) => store.save({ step: 1, files: filesOf(rank) })))
  await Promise.all(
    startJob(backend, 2).map(async (store, rank) => {
      const to = await temporaryFolder()
      await store.restore('latest', { to, files: [`rank${rank}/*`] })
      expect(await readdir(to)).toEqual([`rank${rank}`])
      expect((await readdir(join(to, `rank${rank}`))).sort()).toEqual(['model.bin', 'optimizer.bin'])
    }),
  )
})

test('lets each rank restore its own files, and another number of ranks restore all', async () => {
  const backend = new MemoryBackend()
  await saveAll(startJob(backend, 4), 7)
  const two = startJob(backend, 2)
  await Promise.all(
    two.map(async (store, rank) => {
      const to = await temporaryFolder()
      const files = [rank, rank + 2].map((shardOf) => `rank-${shardOf}.bin`)
      expect((await store.restore('latest', { to, files }))?.step).toBe(7)
      expect((await readdir(to)).sort()).toEqual(files)
    }),
  )
  await saveAll(two, 8)
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.fileCount).toBe(2)
})

test('goes to the next older checkpoint on all ranks if one rank finds its file corrupt', async () => {
  const backend = new MemoryBackend()
  const first = startJob(backend, 3)
  await saveAll(first, 1)
  await saveAll(first, 2)
  await damageShard(backend, 2, 1)
  const own = startJob(backend, 3)
  const restored = await Promise.all(
    own.map(async (store, rank) => {
      const to = await temporaryFolder()
      const one = await store.restore('latest', { to, files: [`rank-${rank}.bin`], fallback: true })
      return { step: one?.step, text: await readFile(join(to, `rank-${rank}.bin`), 'utf8'), one }
    }),
  )
  for (const [rank, { step, text, one }] of restored.entries()) {
    expect(step).toBe(1)
    expect(text).toBe(`rank ${rank} at step 1 `)
    expect(one?.passedOver.map((each) => each.step)).toEqual([2])
  }
  const quarantined = await storeOn(backend, { mode: 'shared' }).quarantined()
  expect(quarantined.map(({ step }) => step)).toEqual([2])
  await saveAll(own, 3)
})

test('chooses again in a new term if a rank restores again and its file is corrupt by then', async () => {
  const backend = new MemoryBackend()
  const first = startJob(backend, 2)
  await saveAll(first, 1)
  await saveAll(first, 2)
  const [zero, one] = startJob(backend, 2, { joinTimeout: 1_500 })
  if (zero === undefined || one === undefined) throw new Error('no ranks')
  const blocked = join(await temporaryFolder(), 'file')
  await writeFile(blocked, '')
  const restore = async (store: CheckpointStore, rank: number, to: string) =>
    store.restore('latest', { to, files: [`rank-${rank}.bin`], fallback: true })
  // Rank 0 finds step 2 good, and rank 1 cannot deliver it.
  const codes = await Promise.all([
    codeOf(restore(zero, 0, await temporaryFolder())),
    codeOf(restore(one, 1, join(blocked, 'below'))),
  ])
  expect(codes[0]).toBe('INCOMPLETE')
  const details = await storeOn(backend, { mode: 'shared' }).get(2)
  await tamper(backend, details?.files[0]?.key ?? '', flipBit)
  // Rank 1 may go on from step 2, for which both verdicts are good. Then it cannot save, and joins the new term.
  const restoreOne = async () => {
    const restored = await restore(one, 1, await temporaryFolder())
    if (restored?.step !== 2) return restored
    expect(await codeOf(one.save({ step: 3, files: shard(1, 3) }))).toBe('FENCED')
    return restore(one, 1, await temporaryFolder())
  }
  const restored = await Promise.all([restore(zero, 0, await temporaryFolder()), restoreOne()])
  expect(restored.map((each) => each?.step)).toEqual([1, 1])
  await saveAll([zero, one], 2)
})

test('rejects with CORRUPT on all ranks without a fallback, and delivers nothing', async () => {
  const backend = new MemoryBackend()
  await saveAll(startJob(backend, 2), 1)
  const details = await storeOn(backend, { mode: 'shared' }).get(1)
  await tamper(backend, details?.files[1]?.key ?? '', flipBit)
  await Promise.all(
    startJob(backend, 2).map(async (store, rank) => {
      const to = await temporaryFolder()
      expect(await codeOf(store.restore('latest', { to, files: [`rank-${rank}.bin`] }))).toBe('CORRUPT')
      expect(await readdir(to)).toEqual([])
    }),
  )
})

test('rejects with CORRUPT at each start without a fallback, and quarantines nothing', async () => {
  const backend = new MemoryBackend()
  const first = startJob(backend, 3)
  await saveAll(first, 1)
  await saveAll(first, 2)
  await damageShard(backend, 2, 1)
  const errors = async () =>
    Promise.all(
      startJob(backend, 3).map(async (store, rank) => {
        const to = await temporaryFolder()
        return store.restore('latest', { to, files: [`rank-${rank}.bin`] }).catch(messageOf)
      }),
    )
  for (const _ of ['first start', 'second start'])
    for (const error of await errors()) expect(error).toMatch(/^Step 2 is corrupt: rank 1: /)
  const alone = storeOn(backend, { mode: 'shared' })
  expect(await alone.quarantined()).toEqual([])
  expect((await alone.latest())?.step).toBe(2)
})

test('names the rank that read a corrupt file, also if another rank came after the quarantine', async () => {
  const backend = new MemoryBackend()
  const first = startJob(backend, 2)
  await saveAll(first, 1)
  await saveAll(first, 2)
  await damageShard(backend, 2, 1)
  const alone = storeOn(backend, { mode: 'shared' })
  const isQuarantined = async () => (await alone.quarantined()).length > 0
  const ranks = [rankOn(lateAfterChoice(backend, isQuarantined), 0, 2), rankOn(backend, 1, 2)]
  const restored = await Promise.all(
    ranks.map(async (store, rank) => {
      const to = await temporaryFolder()
      return store.restore('latest', { to, files: [`rank-${rank}.bin`], fallback: true })
    }),
  )
  const reasons = restored.map((one) => one?.passedOver[0]?.reason)
  for (const reason of reasons) expect(reason).toMatch(/^rank 1: .*rank-1\.bin/)
  expect((await alone.quarantined())[0]?.reason).toBe(reasons[0])
})

test('names the ranks that did not deliver, commits nothing, and commits once they alone deliver', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 4, { ...longJoin, environmentOf: timelapse })
  await restoreAll(ranks)
  const early = await Promise.allSettled(
    [0, 2].map(async (rank) => ranks[rank]?.save({ step: 5, files: shard(rank, 5) })),
  )
  for (const outcome of early) {
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'INCOMPLETE',
        message: expect.stringContaining('Ranks 1 and 3 of 4 did not deliver their part of step 5') as string,
        hint: { kind: 'wait-longer', for: 'save' },
      },
    })
  }
  const alone = storeOn(backend, { mode: 'shared' })
  expect(await alone.list()).toEqual([])
  await Promise.all([1, 3].map(async (rank) => ranks[rank]?.save({ step: 5, files: shard(rank, 5) })))
  expect((await alone.list()).map(({ step }) => step)).toEqual([5])
  expect((await alone.verify()).good).toBe(true)
})

test('continues a save from no step whose save has failed', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 2)
  const [zero, one] = ranks
  if (zero === undefined || one === undefined) throw new Error('no ranks')
  await saveAll(ranks, 2)
  const agreedOn = (step: number) =>
    expect.poll(() => keysOf(backend, 'agreements/')).toContainEqual(expect.stringContaining(`/${step}/`))
  const stopped = new AbortController()
  const failed = codeOf(zero.save({ step: 3, files: shard(0, 3), signal: stopped.signal }))
  await agreedOn(3)
  stopped.abort()
  expect(await failed).toBe('ABORTED')
  const saved = zero.save({ step: 4, files: shard(0, 4) }) // proposes from what it continues
  await agreedOn(4)
  await Promise.all([saved, one.save({ step: 4, files: shard(1, 4) })])
  const newest = (await keysOf(backend, 'catalog/')).at(-1) ?? ''
  const bytes = Buffer.concat(await Array.fromAsync((await backend.read(newest)).body))
  const { checkpoints } = decodeCatalog(bytes, catalogVersionOf(newest) ?? 0)
  expect(checkpoints.at(-1)).toMatchObject({ step: 4, resumed: expect.stringMatching(/^2-/) as string })
})

test('names the ranks that did not join', async () => {
  const backend = new MemoryBackend()
  const outcome = rankOn(backend, 0, 3, { joinTimeout: 100 }).restore('latest', {
    to: await temporaryFolder(),
  })
  await expect(outcome).rejects.toMatchObject({
    code: 'INCOMPLETE',
    message: expect.stringContaining('Ranks 1 and 2 of 3 did not join') as string,
    hint: { kind: 'wait-longer', for: 'join' },
  })
})

test('reports once for which ranks a wait waits, after 5 seconds', async () => {
  const backend = new MemoryBackend()
  const reports: unknown[] = []
  const open = (rank: number) => {
    const store = rankOn(backend, rank, 3, { environmentOf: timelapse })
    if (rank === 0) store.on('waitingForRanks', (report) => reports.push(report))
    return store
  }
  expect(await codeOf(open(0).join({}))).toBe('INCOMPLETE')
  expect(reports.splice(0)).toEqual([{ for: 'join', ranks: [1, 2], size: 3 }])
  const own = [open(0), open(1), open(2)] as const
  await Promise.all(own.map((store) => store.join({})))
  await saveAll(own, 1)
  expect(reports).toEqual([])
  const some = ([0, 2] as const).map(async (rank) =>
    codeOf(own[rank].save({ step: 2, files: shard(rank, 2) })),
  )
  expect(await Promise.all(some)).toEqual(['INCOMPLETE', 'INCOMPLETE'])
  expect(reports).toEqual([{ for: 'save', ranks: [1], size: 3 }])
})

test('names no rank if all have joined and the store is too slow', async () => {
  let time = 0
  const now = (): Date => new Date((time += 1_000))
  const ranks = { rank: 0, size: 1, joinTimeout: 500 }
  const store = storeOn(new MemoryBackend(), { ranks }, { ...busyEnvironment, now })
  await expect(store.join()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('All ranks have joined') as string,
  })
})

test('waits longer for ranks that verify their files than for ranks that join', async () => {
  const backend = new MemoryBackend()
  await saveAll(startJob(backend, 2), 1)
  const released = Promise.withResolvers<undefined>()
  const read = backend.read.bind(backend)
  backend.read = async (key, options) => {
    if (key.includes('rank-1.bin')) {
      isVerifying = true
      await released.promise
    }
    return read(key, options)
  }
  let isVerifying = false
  let time = 0
  const longerThanJoining = 15 * 60_000
  const pause = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    // Time passes only while the other rank verifies, however slowly it comes before and after that.
    if (isVerifying && time <= longerThanJoining) time += milliseconds
    if (time > longerThanJoining) released.resolve(undefined)
    await busyEnvironment.pause(0, signal)
  }
  const [zero, one] = [
    storeOn(
      backend,
      { ranks: { rank: 0, size: 2 } },
      { ...busyEnvironment, now: () => new Date(time), pause },
    ),
    storeOn(backend, { ranks: { rank: 1, size: 2 } }, busyEnvironment),
  ]
  const [joined, restored] = await Promise.all([
    zero.join().finally(() => {
      released.resolve(undefined)
    }),
    one.restore('latest', { to: await temporaryFolder(), files: ['rank-1.bin'] }),
  ])
  expect(joined.step).toBe(1)
  expect(restored?.step).toBe(1)
})

test('fences the processes of an older start, which change nothing', async () => {
  const backend = new MemoryBackend()
  const older = startJob(backend, 2)
  await restoreAll(older)
  await saveAll(older, 1, 'older')
  const newer = startJob(backend, 2)
  await restoreAll(newer)
  const codes = await Promise.all(
    older.map((store, rank) => codeOf(store.save({ step: 2, files: shard(rank, 2, 'older') }))),
  )
  expect(codes).toEqual(['FENCED', 'FENCED'])
  await saveAll(newer, 2, 'newer')
  const { body } = await backend.read(
    (await storeOn(backend, { mode: 'shared' }).get(2))?.files[0]?.key ?? '',
  )
  expect(Buffer.concat(await Array.fromAsync(body)).toString()).toBe('rank 0 at step 2 newer')
})

test('tells a rank that waits for a part when the job starts again', async () => {
  const backend = new MemoryBackend()
  const older = startJob(backend, 2)
  await restoreAll(older)
  const waiting = codeOf(older[0]?.save({ step: 1, files: shard(0, 1) }) ?? Promise.resolve())
  const newer = startJob(backend, 2)
  await restoreAll(newer)
  expect(await waiting).toBe('FENCED')
})

test('lets a member that is superseded restore again and go on', async () => {
  const backend = new MemoryBackend()
  const [zero, one] = startJob(backend, 2)
  if (zero === undefined || one === undefined) throw new Error('no ranks')
  await restoreAll([zero, one])
  await saveAll([zero, one], 1)
  const again = rankOn(backend, 1, 2)
  const [, restored] = await Promise.all([
    codeOf(zero.save({ step: 2, files: shard(0, 2) })).then(async (code) => {
      expect(code).toBe('FENCED')
      return zero.restore('latest', { to: await temporaryFolder() })
    }),
    again.restore('latest', { to: await temporaryFolder() }),
  ])
  expect(restored?.step).toBe(1)
  await saveAll([zero, again], 2)
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.step).toBe(2)
})

test('repeats a save with the same bytes, and refuses other bytes', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 2)
  const [first] = await saveAll(ranks, 1)
  for (const again of await saveAll(ranks, 1)) {
    expect(again.alreadySaved).toBe(true)
    expect(again.files).toEqual(first?.files)
  }
  const other = ranks[0]?.save({ step: 1, files: shard(0, 1, 'other') })
  await expect(other).rejects.toMatchObject({
    code: 'ALREADY_EXISTS',
    message: expect.stringContaining(
      'Rank 0 has already stored its part of step 1 with other bytes',
    ) as string,
  })
  await saveAll(ranks, 2)
  const back = ranks[0]?.save({ step: 1, files: shard(0, 1, 'other') })
  await expect(back).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect((await saveAll(ranks, 1)).map(({ alreadySaved }) => alreadySaved)).toEqual([true, true])
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.step).toBe(2)
})

test('compares a repeated save with the files of its own rank, and not with those of others', async () => {
  const ranks = startJob(new MemoryBackend(), 2)
  await saveAll(ranks, 1)
  const files = { ...shard(0, 1), ...shard(1, 1) }
  for (const other of [shard(1, 1), files, {}])
    expect(await codeOf(ranks[0]?.save({ step: 1, files: other }) ?? Promise.resolve())).toBe(
      'ALREADY_EXISTS',
    )
  expect((await ranks[0]?.save({ step: 1, files: shard(0, 1) }))?.alreadySaved).toBe(true)
})

test('accepts the step from which a later start continues with the same bytes, and refuses other bytes', async () => {
  const backend = new MemoryBackend()
  await saveAll(startJob(backend, 2), 1)
  const [zero, one] = startJob(backend, 2)
  if (zero === undefined || one === undefined) throw new Error('no ranks')
  await restoreAll([zero, one])
  const writes = await keysOf(backend, 'data/')
  const again = await saveAll([zero, one], 1)
  expect(again.map(({ alreadySaved }) => alreadySaved)).toEqual([true, true])
  expect(await keysOf(backend, 'data/')).toEqual(writes)
  const other = one.save({ step: 1, files: shard(1, 1, 'other') })
  await expect(other).rejects.toMatchObject({ code: 'ALREADY_EXISTS', url: one.url })
  await saveAll([zero, one], 2)
})

test('records metrics that a repeated save adds', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 2)
  await saveAll(ranks, 1)
  const files = (rank: number) => shard(rank, 1)
  await Promise.all(
    ranks.map((store, rank) => store.save({ step: 1, files: files(rank), metrics: { loss: 3 } })),
  )
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.metrics).toEqual({ loss: 3 })
})

test('reports the same files, bytes and committing rank on every rank', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 5)
  await restoreAll(ranks)
  for (const step of [1, 2, 3]) {
    const saved = await saveAll(ranks, step)
    const facts = saved.map(({ files, bytes, fileCount, committedBy }) => ({
      files,
      bytes,
      fileCount,
      committedBy,
    }))
    for (const each of facts) expect(each).toEqual(facts[0])
    expect(facts[0]?.fileCount).toBe(5)
    expect(facts[0]?.bytes).toBe(facts[0]?.files.reduce((sum, { size }) => sum + size, 0))
    expect([0, 1, 2, 3, 4]).toContain(facts[0]?.committedBy)
  }
})

test('refuses parts of ranks of which only some have restored', async () => {
  const backend = new MemoryBackend()
  await saveAll(startJob(backend, 2), 1)
  const [zero, one] = startJob(backend, 2, { joinTimeout: 1e7, environmentOf: timelapse })
  const to = await temporaryFolder()
  const codes = await Promise.all([
    codeOf(zero?.restore('latest', { to }) ?? Promise.resolve()),
    codeOf(one?.save({ step: 2, files: shard(1, 2) }) ?? Promise.resolve()),
  ])
  expect(codes).toEqual(['INCOMPLETE', 'INCOMPLETE'])
  expect((await storeOn(backend, { mode: 'shared' }).list()).map(({ step }) => step)).toEqual([1])
})

test('accepts a rank without files, and refuses a file name of two ranks', async () => {
  const backend = new MemoryBackend()
  const [zero, one] = startJob(backend, 2)
  const [saved] = await Promise.all([
    zero?.save({ step: 1, files: shard(0, 1), metrics: { loss: 1 }, tags: ['a'], metadata: { lr: 1 } }),
    one?.save({ step: 1, files: {}, metrics: { accuracy: 2 } }),
  ])
  expect(saved?.metrics).toEqual({ loss: 1, accuracy: 2 })
  expect(saved?.tags).toEqual(['a'])
  const codes = await Promise.all(
    [zero, one].map((store) => codeOf(store?.save({ step: 2, files: shard(0, 2) }) ?? Promise.resolve())),
  )
  expect(codes).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT'])
})

test('answers a repeated save of a rank without files at once, and refuses other bytes of the others', async () => {
  const backend = new MemoryBackend()
  const [zero, one] = startJob(backend, 2)
  if (zero === undefined || one === undefined) throw new Error('no ranks')
  const [first] = await Promise.all([
    zero.save({ step: 1, files: shard(0, 1) }),
    one.save({ step: 1, files: {} }),
  ])
  const again = await one.save({ step: 1, files: {} })
  expect(again).toMatchObject({ alreadySaved: true, files: first.files, ranks: { rank: 1, size: 2 } })
  expect((await zero.save({ step: 1, files: shard(0, 1) })).alreadySaved).toBe(true)
  expect(await codeOf(zero.save({ step: 1, files: shard(0, 1, 'other') }))).toBe('ALREADY_EXISTS')
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.fileCount).toBe(1)
})

test('takes what describes the checkpoint from the lowest rank that gives it', async () => {
  const backend = new MemoryBackend()
  const given = {
    metrics: { loss: 1 },
    tags: ['a'],
    epoch: 3,
    metadata: { lr: 1 },
    dataState: { sample: 7 },
  }
  const saved = await Promise.all(
    startJob(backend, 3).map((store, rank) =>
      store.save({ step: 1, files: shard(rank, 1), ...(rank === 0 ? {} : given) }),
    ),
  )
  for (const result of saved) expect(result).toMatchObject({ metrics: { loss: 1 }, tags: ['a'], epoch: 3 })
  const details = await storeOn(backend, { mode: 'shared' }).get(1)
  expect(details).toMatchObject(given)
})

test('saves in the background, with two steps at once on each rank', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 3, { background: { limit: 2 } })
  await restoreAll(ranks)
  for (const step of [1, 2, 3, 4])
    await Promise.all(ranks.map((store, rank) => store.saveInBackground({ step, files: shard(rank, step) })))
  await Promise.all(ranks.map((store) => store.flush()))
  const alone = storeOn(backend, { mode: 'shared' })
  expect((await alone.list()).map(({ step }) => step)).toEqual([1, 2, 3, 4])
  expect((await alone.latest())?.step).toBe(4)
  await tamper(backend, (await alone.get(4))?.files[0]?.key ?? '', flipBit)
  const restored = await restoreAll(startJob(backend, 3), { fallback: true })
  expect(restored.map(({ step }) => step)).toEqual([3, 3, 3])
})

test('throws at a flush that a save in the background lacks the part of a rank', async () => {
  const backend = new MemoryBackend()
  const [zero, one] = startJob(backend, 2, { ...longJoin, environmentOf: timelapse })
  if (zero === undefined || one === undefined) throw new Error('no ranks')
  await restoreAll([zero, one])
  await zero.saveInBackground({ step: 1, files: shard(0, 1) })
  await expect(zero.flush()).rejects.toMatchObject({
    code: 'INCOMPLETE',
    message: expect.stringContaining('Rank 1 of 2 did not deliver its part of step 1') as string,
  })
  await one.saveInBackground({ step: 1, files: shard(1, 1) })
  await one.flush()
  expect((await storeOn(backend, { mode: 'shared' }).latest())?.step).toBe(1)
})

test('refuses metadata and metrics that contradict each other', async () => {
  for (const contradicting of [
    { metrics: { loss: 2 } },
    { metadata: { lr: 2 } },
    { epoch: 2 },
    { tags: ['b'] },
    { dataState: { epoch: 2 } },
  ]) {
    const [zero, one] = startJob(new MemoryBackend(), 2)
    const first = {
      metrics: { loss: 1 },
      metadata: { lr: 1 },
      epoch: 1,
      tags: ['a'],
      dataState: { epoch: 1 },
    }
    const codes = await Promise.all([
      codeOf(zero?.save({ step: 1, files: shard(0, 1), ...first }) ?? Promise.resolve()),
      codeOf(one?.save({ step: 1, files: shard(1, 1), ...contradicting }) ?? Promise.resolve()),
    ])
    expect(codes).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT'])
  }
})

test('rejects changes that ranks do not make together, and changes nothing', async () => {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, 2)
  const [zero] = ranks
  if (zero === undefined) throw new Error('no rank')
  await saveAll(ranks, 1)
  for (const store of ranks) await store.flush()
  const before = await keysOf(backend)
  const source = storeOn(new MemoryBackend())
  await source.save({ step: 2, files: shard(0, 2) })
  const changes: Readonly<Record<string, () => Promise<unknown>>> = {
    attach: () => zero.attach(1, { loss: 1 }),
    'copy into the store': () => copyCheckpoints(source, zero),
    delete: () => zero.delete([1]),
    forgetMirror: () => zero.forgetMirror(),
    forgetObjective: () => zero.forgetObjective('loss'),
    markGood: () => zero.markGood(1),
    pin: () => zero.pin(1),
    'prune that can be undone': () => zero.prune({ undoFor: 1000 }),
    repair: () => zero.repair(),
    'restore of a step': async () => zero.restore(1, { to: await temporaryFolder() }),
    sweep: () => zero.sweep(),
    undo: () => zero.undo(),
    unpin: () => zero.unpin(1),
  }
  const codes = await Promise.all(
    Object.entries(changes).map(async ([name, change]) => [name, await codeOf(change())] as const),
  )
  expect(codes).toEqual(Object.keys(changes).map((name) => [name, 'UNSUPPORTED']))
  expect(await keysOf(backend)).toEqual(before)
  await saveAll(ranks, 2)
})

test.each([
  { rank: 2, size: 2 },
  { rank: -1, size: 2 },
  { rank: 0, size: 0 },
  { rank: 0.5, size: 2 },
])('rejects the place %o', (ranks) => {
  expect(() => storeOn(new MemoryBackend(), { ranks })).toThrow('must be a whole number')
})

test.each([0, -1, NaN, Infinity])('rejects the timeout %o', (timeout) => {
  for (const name of ['joinTimeout', 'saveTimeout'])
    expect(() => storeOn(new MemoryBackend(), { ranks: { rank: 0, size: 1, [name]: timeout } })).toThrow(
      `ranks.${name}`,
    )
})

test('opens a term above the catalog if the agreements were lost', async () => {
  const backend = new MemoryBackend()
  await saveAll(startJob(backend, 2), 1)
  await backend.delete(await keysOf(backend, 'agreements/'))
  const ranks = startJob(backend, 2)
  expect((await restoreAll(ranks)).map(({ step }) => step)).toEqual([1, 1])
  await saveAll(ranks, 2)
  const terms = await keysOf(backend, 'agreements/terms/0000000002/')
  expect(terms.length).toBeGreaterThan(0)
})

test('sweeps the agreements of earlier terms, and keeps those of an attempt under way', async () => {
  const backend = new MemoryBackend()
  const first = startJob(backend, 2)
  for (const step of [1, 2, 3]) await saveAll(first, step)
  for (const store of first) await store.flush()
  expect(await keysOf(backend, 'agreements/terms/0000000001/parts/')).toHaveLength(2)
  const second = startJob(backend, 2)
  await restoreAll(second)
  for (const store of second) await store.flush()
  expect(await keysOf(backend, 'agreements/terms/0000000001/')).toEqual([])
  await saveAll(second, 4)
})
