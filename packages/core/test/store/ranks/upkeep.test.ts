import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MemoryBackend } from '../../../src/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper } from '../../stores.ts'
import { rankOn, saveAll, shard, startJob } from './job.ts'

/** Resolves once the store has this number of objects below a prefix. */
async function untilStored(backend: MemoryBackend, prefix: string, count: number): Promise<void> {
  while ((await keysOf(backend, prefix)).length < count) await setImmediate()
}

/** A job of which some ranks deliver their parts of a step, and nobody commits. */
async function jobWithParts(size: number, delivering: readonly number[]): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  const ranks = startJob(backend, size)
  await saveAll(ranks, 500)
  const stop = new AbortController()
  const { signal } = stop
  const saving = ranks
    .filter((_, rank) => delivering.includes(rank))
    .map((store, at) => {
      const rank = delivering[at] ?? 0
      return codeOf(store.save({ step: 600, files: shard(rank, 600), signal }))
    })
  await untilStored(backend, 'agreements/terms/0000000001/parts/600-', delivering.length)
  stop.abort()
  expect(await Promise.all(saving)).toEqual(delivering.map(() => 'ABORTED'))
  return backend
}

test('the doctor names the ranks for which an unfinished joint save waits', async () => {
  const backend = await jobWithParts(4, [0, 3])
  const diagnosis = (await storeOn(backend, { mode: 'shared' }).doctor()).find(
    ({ check }) => check === 'ranks',
  )
  expect(diagnosis?.verdict).toBe('good')
  expect(diagnosis?.finding).toMatch(
    /^term 1 of 4 ranks, which owns the store; step 600: 2 of 4 parts, waiting for ranks 1 and 2 for [\d.]+ s$/,
  )
})

test('the doctor names the ranks that did not join', async () => {
  const backend = new MemoryBackend()
  await codeOf(rankOn(backend, 1, 3, { joinTimeout: 100 }).save({ step: 1, files: shard(1, 1) }))
  const diagnosis = (await storeOn(backend, { mode: 'shared' }).doctor()).find(
    ({ check }) => check === 'ranks',
  )
  expect(diagnosis?.finding).toBe('term 1 of 3 ranks; ranks 0 and 2 did not join')
})

test('the doctor describes a job of one rank in the singular', async () => {
  const backend = new MemoryBackend()
  await startJob(backend, 1)[0]?.save({ step: 1, files: shard(0, 1) })
  const diagnosis = await storeOn(backend, { mode: 'shared' }).doctor()
  const findings = new Map(diagnosis.map(({ check, finding }) => [check, finding]))
  expect(findings.get('ranks')).toMatch(/^term 1 of 1 rank,/)
  expect(findings.get('catalog')).toContain('term 1 of a job of 1 rank since')
})

test('the doctor says nothing of ranks in a store without a job', async () => {
  const store = storeOn(new MemoryBackend())
  await store.save({ step: 1, files: { a: Buffer.from('a') } })
  expect((await store.doctor()).map(({ check }) => check)).not.toContain('ranks')
})

test('a sweep keeps only the newest start of each rank', async () => {
  const backend = new MemoryBackend()
  for (let start = 1; start <= 3; start += 1) await saveAll(startJob(backend, 2), start)
  const store = storeOn(backend)
  await store.save({ step: 9, files: { a: Buffer.from('a') } })
  await store.sweep()
  expect(await keysOf(backend, 'agreements/starts/')).toEqual([
    'agreements/starts/0/0000000003.json',
    'agreements/starts/1/0000000003.json',
  ])
  const next = startJob(backend, 2)
  await Promise.all(next.map((rank, index) => rank.save({ step: 10, files: shard(index, 10) })))
  expect(await keysOf(backend, 'agreements/starts/0/')).toContain('agreements/starts/0/0000000004.json')
})

/** A job that died after all ranks had stored their parts of step 600, and before one wrote the manifest. */
async function diedBeforeCommit(): Promise<FaultyBackend> {
  const backend = new FaultyBackend()
  const ranks = startJob(backend, 3)
  await saveAll(ranks, 500)
  const stop = new AbortController()
  const { signal } = stop
  backend.intercept = (method, key) =>
    method === 'commit' && key.startsWith('data/600-') ? 'fail before' : 'pass'
  const saving = ranks.map((store, rank) =>
    codeOf(store.save({ step: 600, files: shard(rank, 600), metrics: { loss: 1 }, signal })),
  )
  await untilStored(backend, 'agreements/terms/0000000001/parts/600-', 3)
  stop.abort()
  expect(await Promise.all(saving)).toEqual(['ABORTED', 'ABORTED', 'ABORTED'])
  backend.intercept = () => 'pass'
  expect((await keysOf(backend, 'data/600-')).filter((key) => key.endsWith('/manifest.json'))).toEqual([])
  return backend
}

test('the doctor shows a joint save that is whole and not committed', async () => {
  const backend = await diedBeforeCommit()
  const diagnosis = (await storeOn(backend, { mode: 'shared' }).doctor()).find(
    ({ check }) => check === 'ranks',
  )
  expect(diagnosis?.finding).toMatch(/step 600: 3 of 3 parts, not committed for/)
})

test('a repair lists a joint checkpoint of which all parts are stored, and not one that lacks a part', async () => {
  const whole = await diedBeforeCommit()
  expect((await storeOn(whole).repair()).recovered).toEqual([600])
  const store = storeOn(whole, { mode: 'shared' })
  const details = await store.get('latest')
  expect(details?.step).toBe(600)
  expect(details?.files.map(({ name }) => name)).toEqual(['rank-0.bin', 'rank-1.bin', 'rank-2.bin'])
  expect(details?.metrics).toEqual({ loss: 1 })
  expect((await store.verify()).good).toBe(true)

  const lacking = await jobWithParts(3, [0, 2])
  expect((await storeOn(lacking).repair()).recovered).toEqual([])
})

test('a repair lists a joint checkpoint of the term that owns the store, also after a rank alone has opened the next', async () => {
  const backend = await diedBeforeCommit()
  expect(await codeOf(rankOn(backend, 1, 3, { joinTimeout: 50 }).join())).toBe('INCOMPLETE')
  expect(await keysOf(backend, 'agreements/terms/0000000002/members/')).toHaveLength(1)
  expect((await storeOn(backend).repair()).recovered).toEqual([600])
})

test.each(['agreements/terms/0000000002/here/1', 'catalog/'])(
  'a repair lists a joint checkpoint also after the next start has failed at %s',
  async (prefix) => {
    const backend = await diedBeforeCommit()
    backend.intercept = (method, key) =>
      method === 'commit' && key.startsWith(prefix) ? 'fail before' : 'pass'
    await Promise.all(startJob(backend, 3, { joinTimeout: 200 }).map((store) => codeOf(store.join())))
    backend.intercept = () => 'pass'
    expect(await keysOf(backend, 'agreements/terms/0000000002/here/')).not.toEqual([])
    expect((await storeOn(backend).repair()).recovered).toEqual([600])
  },
)

test('a repair lists no joint checkpoint of a term after which another has chosen, whatever version is damaged', async () => {
  const backend = await diedBeforeCommit()
  // The files and parts of the older term stay, as if its sweep had been killed.
  backend.delete = (keys) => Promise.resolve({ deleted: keys, failed: [] })
  const next = startJob(backend, 3)
  const joined = await Promise.all(next.map((store) => store.join()))
  expect(joined.map(({ step }) => step)).toEqual([500, 500, 500])
  for (const store of next) await store.flush()
  expect(await keysOf(backend, 'agreements/terms/0000000001/parts/600-')).toHaveLength(3)
  const takeover = (await keysOf(backend, 'catalog/')).at(-1) ?? ''
  await tamper(backend, takeover, flipBit)
  const report = await storeOn(backend).repair()
  expect(report.damagedCatalogs).toHaveLength(1)
  expect(report.recovered).toEqual([])
})

test('a repair lists no joint checkpoint of a term if the takeover by the next one is damaged, and it has not chosen yet', async () => {
  const backend = await diedBeforeCommit()
  backend.delete = (keys) => Promise.resolve({ deleted: keys, failed: [] })
  backend.intercept = (method, key) =>
    method === 'commit' && key.includes('/choice/') ? 'fail before' : 'pass'
  const next = startJob(backend, 3)
  await Promise.all(next.map((store) => codeOf(store.join())))
  backend.intercept = () => 'pass'
  const takeover = (await keysOf(backend, 'catalog/')).at(-1) ?? ''
  await tamper(backend, takeover, flipBit)
  const report = await storeOn(backend).repair()
  expect(report.damagedCatalogs).toHaveLength(1)
  expect(report.recovered).toEqual([])
})
