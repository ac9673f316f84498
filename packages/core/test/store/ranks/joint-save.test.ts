import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { BackendCapabilities, FreeSpace } from '../../../src/backend.ts'
import { type CheckpointStore, HoldfastError, MemoryBackend } from '../../../src/index.ts'
import { codeOf, temporaryFolder } from '../../stores.ts'
import { longJoin, rankOn, saveAll, shard, startJob, timelapse } from './job.ts'

const withNaN = readFileSync(new URL('../../tensors/fixtures/bfloat16-nan.safetensors', import.meta.url))
const ofUnknownFormat = { 'model.bin': Buffer.from('no tensors') }

/** Has space for three checkpoints of a megabyte and their documents. */
class FullBackend extends MemoryBackend {
  override readonly capabilities: BackendCapabilities = {
    ...new MemoryBackend().capabilities,
    freeSpace: 'measured',
  }

  override async freeSpace(): Promise<FreeSpace> {
    const stored = (await Array.fromAsync(this.list(''))).reduce((sum, { size }) => sum + size, 0)
    return { kind: 'measured', available: Math.max(0, 3_200_000 - stored), total: 100_000_000 }
  }
}

test('reports what it dropped to make room', async () => {
  const store = rankOn(new FullBackend(), 0, 1, { space: { makeRoom: true } })
  const files = { model: Buffer.alloc(1_000_000) }
  for (const step of [1, 2, 3]) expect((await store.save({ step, files })).dropped).toEqual([])
  expect((await store.save({ step: 4, files })).dropped).toEqual([
    { step: 1, because: 'to make room for step 4' },
  ])
})

/** Two ranks on a disk that has space for the small part of the first at step 4, and not for the large part of the second. */
async function pairOnFullDisk({ makeRoom }: { readonly makeRoom: boolean }) {
  const backend = new FullBackend()
  const ranks = startJob(backend, 2, { space: { makeRoom }, environmentOf: timelapse })
  const save = async (rank: number, step: number) => {
    const [store, size] = [ranks[rank], [100_000, 900_000][rank]]
    if (store === undefined || size === undefined) throw new Error('The job has two ranks')
    return store.save({ step, files: { [`rank-${rank}`]: Buffer.alloc(size, step) } })
  }
  for (const step of [1, 2, 3]) await Promise.all([save(0, step), save(1, step)])
  return { backend, save }
}

test('drops a checkpoint to make room, and not the part that another rank has stored', async () => {
  const { save } = await pairOnFullDisk({ makeRoom: true })
  expect(await codeOf(save(0, 4))).toBe('INCOMPLETE')
  const { step, dropped } = await save(1, 4)
  expect({ step, dropped }).toEqual({ step: 4, dropped: [{ step: 1, because: 'to make room for step 4' }] })
})

test('does not count the part that another rank has stored as a save of other writers', async () => {
  const { save } = await pairOnFullDisk({ makeRoom: false })
  expect(await codeOf(save(0, 4))).toBe('INCOMPLETE')
  const refused: unknown = await save(1, 4).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'INSUFFICIENT_SPACE', hint: { hasUnfinished: false } })
  expect(String(refused)).not.toContain('unfinished')
})

test('states that an unfinished earlier step is of this job, and does not advise to sweep it', async () => {
  const { save } = await pairOnFullDisk({ makeRoom: false })
  expect(await codeOf(save(0, 4))).toBe('INCOMPLETE')
  const refused: unknown = await save(1, 5).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'INSUFFICIENT_SPACE', hint: { hasUnfinished: false } })
  expect(String(refused)).toMatch(
    /1 unfinished save of this job takes 100 KB, kept .*because other ranks may still finish it\./,
  )
  expect(String(refused)).not.toMatch(/sweep|other writers/)
})

/** Starts two ranks that have restored together, so that each can store its part alone. */
async function resumedPair(): Promise<readonly [CheckpointStore, CheckpointStore]> {
  const [zero, one] = startJob(new MemoryBackend(), 2, { ...longJoin, environmentOf: timelapse })
  if (zero === undefined || one === undefined) throw new Error('The job has two ranks')
  const to = await temporaryFolder()
  await Promise.all([zero.restore('latest', { to }), one.restore('latest', { to })])
  return [zero, one]
}

test('checks the tensors of a part that an earlier call has stored', async () => {
  const [zero] = await resumedPair()
  const files = { 'model.safetensors': withNaN }
  expect(await codeOf(zero.save({ step: 1, files }))).toBe('INCOMPLETE')
  expect(await codeOf(zero.save({ step: 1, files, requireFinite: true }))).toBe('INVALID_ARGUMENT')
})

test('warns of files that were not checked also if an earlier call has stored them', async () => {
  const [zero, one] = await resumedPair()
  const request = { step: 1, files: ofUnknownFormat, requireFinite: true }
  expect(await codeOf(zero.save(request))).toBe('INCOMPLETE')
  const [repeated] = await Promise.all([
    zero.save(request),
    one.save({ step: 1, files: { other: Buffer.alloc(1) } }),
  ])
  expect(repeated.warnings).toEqual([expect.stringContaining('Not checked for NaN and infinity')])
})

/** Deletes the part of a rank right before it is read, as a sweep does after another start of the job. */
class SweptBackend extends MemoryBackend {
  isSwept = false
  /** How often reading a manifest fails from now on. */
  failures = 0

  override async read(...[key, options]: Parameters<MemoryBackend['read']>) {
    if (key.endsWith('/manifest.json') && this.failures > 0) {
      this.failures -= 1
      throw new HoldfastError('UNAVAILABLE', `${key} cannot be read now`)
    }
    if (this.isSwept && key.includes('/parts/')) await this.delete([key])
    return super.read(key, options)
  }
}

/** A step that two ranks have saved, and whose parts are swept when they are read again. */
async function sweptPair() {
  const backend = new SweptBackend()
  const ranks = startJob(backend, 2)
  await saveAll(ranks, 1)
  backend.isSwept = true
  const repeat = async (run: string) =>
    ranks[0]?.save({ step: 1, files: shard(0, 1, run), onExisting: 'replace' })
  return { backend, repeat }
}

test('compares a repeated save with the manifest if its part was swept', async () => {
  const { repeat } = await sweptPair()
  expect(await codeOf(repeat('with other bytes'))).toBe('ALREADY_EXISTS')
  const { repeat: again } = await sweptPair()
  expect((await again(''))?.step).toBe(1)
})

test('refuses other bytes also if a refused call has stored a part with them', async () => {
  const { backend, repeat } = await sweptPair()
  expect(await codeOf(repeat('with other bytes'))).toBe('ALREADY_EXISTS')
  backend.isSwept = false
  expect(await codeOf(repeat('with other bytes'))).toBe('ALREADY_EXISTS')
})

test('reads the manifest of a repeated save again until the store answers', async () => {
  const { backend, repeat } = await sweptPair()
  backend.failures = 3
  expect((await repeat(''))?.step).toBe(1)
  expect(backend.failures).toBe(0)
})

test('does not acknowledge a repeated save if both its part and the manifest are gone', async () => {
  const { backend, repeat } = await sweptPair()
  const keys = (await Array.fromAsync(backend.list('data/'))).map(({ key }) => key)
  await backend.delete(keys.filter((key) => key.endsWith('/manifest.json')))
  expect(await codeOf(repeat(''))).toBe('OUTCOME_UNKNOWN')
})
