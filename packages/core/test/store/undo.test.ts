import { describe, expect, test } from 'vitest'
import {
  type CheckpointStore,
  copyCheckpoints,
  MemoryBackend,
  type StoreOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { type BackendCapabilities, type FreeSpace } from '../../src/backend.ts'
import { decodeCatalog } from '../../src/catalog/documents/index.ts'
import {
  codeOf,
  FaultyBackend,
  flipBit,
  foldingEarly,
  keysOf,
  storeOn,
  tamper,
  temporaryFolder,
} from '../stores.ts'

const hour = 3_600_000
const objectives = { loss: { metric: 'loss', direction: 'min' } } as const

/** A backend and stores on it that share one clock. */
class Clocked {
  now = Date.UTC(2026, 0, 1)
  readonly backend: MemoryBackend

  constructor(backend?: MemoryBackend) {
    this.backend = backend ?? new MemoryBackend('mem:', () => new Date(this.now))
  }

  open(options: StoreOptions = {}, environment = systemEnvironment): CheckpointStore {
    return storeOn(this.backend, options, { ...environment, now: () => new Date(this.now) })
  }

  /** The steps that have an object in the store. */
  async steps(): Promise<readonly number[]> {
    const keys = await keysOf(this.backend, 'data/')
    return [...new Set(keys.map((key) => Number(/^data\/(\d+)-/.exec(key)?.[1])))].sort(
      (one, other) => one - other,
    )
  }

  /** The names of the features that the newest version of the catalog requires. */
  async requires(): Promise<readonly string[]> {
    const key = (await keysOf(this.backend, 'catalog/')).at(-1) ?? ''
    const { body } = await this.backend.read(key)
    return decodeCatalog(Buffer.concat(await Array.fromAsync(body)), Number(/\d+/.exec(key)?.[0])).requires
  }
}

async function save(store: CheckpointStore, step: number, content = `${step}`, loss?: number): Promise<void> {
  const metrics = loss === undefined ? {} : { loss }
  await store.save({ step, files: { a: Buffer.from(content) }, metrics, tags: [content] })
}

async function saved(store: CheckpointStore, ...steps: readonly number[]): Promise<void> {
  for (const step of steps) await save(store, step)
}

async function listed(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

async function contentOf(store: CheckpointStore, step: number): Promise<string> {
  return Buffer.concat(await Array.fromAsync((await store.read(step, 'a')).body)).toString()
}

describe('an undo', () => {
  test('lists deleted checkpoints again, with their bytes, metrics, tags and order', async () => {
    const clocked = new Clocked()
    const store = clocked.open({ objectives })
    await save(store, 1, 'one', 0.5)
    await saved(store, 2, 3)
    const before = await store.list()
    const until = new Date(clocked.now + hour)
    expect(await store.delete([1, 3], { undoFor: '1 h', allowBest: true })).toEqual([
      { step: 1, because: 'deleted by hand', undoUntil: until },
      { step: 3, because: 'deleted by hand', undoUntil: until },
    ])
    expect(await listed(store)).toEqual([2])
    expect((await store.latest())?.step).toBe(2)
    expect((await store.undo()).map(({ step }) => step)).toEqual([1, 3])
    expect(await store.list()).toEqual(before)
    expect((await store.latest())?.step).toBe(3)
    expect((await store.best('loss'))?.step).toBe(1)
    expect(await contentOf(store, 1)).toBe('one')
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
  })

  test('lists again what a prune dropped, and says what the next save drops again', async () => {
    const clocked = new Clocked()
    await saved(clocked.open(), 1, 2, 3, 4)
    const store = clocked.open({ retention: { keepLast: 2, grace: '1 h' } })
    const report = await store.prune()
    expect(report.dropped.map(({ step }) => step)).toEqual([1, 2])
    expect(report.undoUntil).toEqual(new Date(clocked.now + hour))
    expect(await clocked.steps()).toEqual([1, 2, 3, 4])
    expect((await store.undo({ dryRun: true })).map(({ step }) => step)).toEqual([1, 2])
    expect(await listed(store)).toEqual([3, 4])
    expect(await store.undo()).toMatchObject([
      { step: 1, because: 'not among the last 2', nextDropBecause: 'not among the last 2' },
      { step: 2, because: 'not among the last 2', nextDropBecause: 'not among the last 2' },
    ])
    await store.pin(1)
    await save(store, 5)
    expect(await listed(store)).toEqual([1, 4, 5])
    expect(await store.removed()).toEqual([])
  })

  test('undoes the last deletion first, and then the one before, or only the given steps', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 2, 3, 4, 5)
    await store.delete([1, 2], { undoFor: '1 h' })
    await store.delete([3, 4], { undoFor: '1 h' })
    await store.undo()
    expect(await listed(store)).toEqual([3, 4, 5])
    await store.undo({ steps: [2] })
    expect(await listed(store)).toEqual([2, 3, 4, 5])
    await store.undo()
    expect(await listed(store)).toEqual([1, 2, 3, 4, 5])
  })

  test('is refused if the step was saved again, and lists nothing then', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 2, 3)
    await store.delete([1, 2], { undoFor: '1 h' })
    await save(store, 2, 'another')
    await expect(store.undo()).rejects.toThrow(
      'Step 2 was saved again after it was removed, so the removed checkpoint cannot be listed. ' +
        'Nothing was changed. To undo other steps, name them.',
    )
    expect(await codeOf(store.undo({ steps: [2] }))).toBe('ALREADY_EXISTS')
    expect(await listed(store)).toEqual([2, 3])
    await store.undo({ steps: [1] })
    await store.delete([2], { undoFor: 0 })
    await store.undo()
    expect(await listed(store)).toEqual([1, 2, 3])
    expect(await contentOf(store, 2)).toBe('2')
  })

  test('brings the metrics of the step back if they were replaced in the meantime', async () => {
    const store = new Clocked().open({ objectives })
    await save(store, 1, 'first', 0.3)
    await save(store, 2, '2', 0.2)
    await store.delete([1], { undoFor: '1 h' })
    await save(store, 1, 'second', 0.9)
    await store.delete([1], { undoFor: 0 })
    await store.undo()
    expect((await store.get(1))?.metrics).toEqual({ loss: 0.3 })
    expect((await store.metrics()).find(({ step }) => step === 1)?.metrics).toEqual({ loss: 0.3 })
  })

  test('is refused for a step that was never deleted, and names what can be undone', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 2)
    await expect(store.undo({ steps: [1] })).rejects.toThrow(
      'Step 1 cannot be undone, because it was not removed, or its files were deleted since.',
    )
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
    expect(await codeOf(store.undo({ dryRun: true }))).toBe('NOT_FOUND')
  })

  test('is refused if files are gone or truncated', async () => {
    const { backend } = new Clocked()
    const store = storeOn(backend)
    await saved(store, 1, 2, 3)
    await store.delete([1, 2], { undoFor: '1 h' })
    const [key = ''] = (await keysOf(backend, 'data/1-')).filter((each) => each.endsWith('/a'))
    await backend.delete([key])
    expect(await codeOf(store.undo())).toBe('CORRUPT')
    expect(await listed(store)).toEqual([3])
    await store.undo({ steps: [2] })
    expect(await listed(store)).toEqual([2, 3])
  })

  test('abandons again what a rewind had left behind, and what one left behind since', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 2, 3, 4)
    await store.rewind(3)
    await store.delete([4, 2], { undoFor: '1 h' })
    await store.rewind(1)
    await store.undo()
    expect(await listed(store)).toEqual([1])
    expect((await store.abandoned()).map(({ step }) => step)).toEqual([2, 4, 3])
  })

  test('keeps its place in the order of saves, so that a later save stays the latest', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 8, 9)
    await store.delete([9], { undoFor: '1 h' })
    await save(store, 2)
    await store.undo()
    expect((await store.latest())?.step).toBe(2)
  })

  test('works if the lines of the step are in pages', async () => {
    const store = new Clocked().open({}, foldingEarly)
    const steps = Array.from({ length: 12 }, (_, index) => index)
    await saved(store, ...steps)
    await store.delete([0, 5, 11], { undoFor: '1 h' })
    await store.undo()
    expect(await listed(store)).toEqual(steps)
    expect((await store.latest())?.step).toBe(11)
  })

  test('is found committed if its response is lost', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await saved(store, 1, 2)
    await store.delete([1], { undoFor: '1 h' })
    let isLost = false
    backend.intercept = (method) => {
      if (method !== 'commit' || isLost) return 'pass'
      isLost = true
      return 'lose answer'
    }
    await store.undo()
    expect(isLost).toBe(true)
    expect(await listed(store)).toEqual([1, 2])
  })

  test('is not offered for a quarantined checkpoint, which is deleted for good', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2)
    const [key = ''] = (await keysOf(clocked.backend, 'data/2-')).filter((each) => each.endsWith('/a'))
    await tamper(clocked.backend, key, flipBit)
    await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([2])
    const [deleted] = await store.delete([2], { undoFor: '1 h' })
    expect(deleted?.undoUntil).toBeUndefined()
    expect(await clocked.steps()).toEqual([1])
  })
})

describe('the files of what can be undone', () => {
  test('are deleted at once without a grace period, and the deletion is final', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2)
    const [deleted] = await store.delete([1])
    expect(deleted).toEqual({ step: 1, because: 'deleted by hand', undoUntil: undefined })
    expect(await clocked.steps()).toEqual([2])
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
    expect(await clocked.requires()).toEqual([])
  })

  test('stay until the time is over, even if another process sweeps, and are deleted by the next sweep', async () => {
    const clocked = new Clocked()
    const store = clocked.open({ mode: 'shared', gracePeriod: 0 })
    await saved(store, 1, 2, 3)
    await store.delete([1], { undoFor: '1 h' })
    const other = clocked.open({ takeOver: true, mode: 'exclusive' })
    await save(other, 4)
    await other.sweep()
    expect(await clocked.steps()).toEqual([1, 2, 3, 4])
    clocked.now += hour
    expect((await other.sweep({ dryRun: true })).attempts).toBe(1)
    expect(await clocked.steps()).toEqual([1, 2, 3, 4])
    expect((await other.sweep()).attempts).toBe(1)
    expect(await clocked.steps()).toEqual([2, 3, 4])
    expect(await codeOf(other.undo())).toBe('NOT_FOUND')
    expect(await other.removed()).toEqual([])
  })

  test('are deleted by the first save after that time', async () => {
    const clocked = new Clocked()
    const store = clocked.open({ retention: { keepLast: 5, grace: '10 min' } })
    await saved(store, 1, 2)
    await store.delete([1])
    await save(store, 3)
    await store.flush()
    expect(await clocked.steps()).toEqual([1, 2, 3])
    clocked.now += 10 * 60_000
    await save(store, 4)
    await store.flush()
    expect(await clocked.steps()).toEqual([2, 3, 4])
  })

  test('are deleted by the next deletion after that time', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2, 3)
    await store.delete([1], { undoFor: '1 h' })
    clocked.now += hour
    await store.delete([2], { undoFor: '1 h' })
    expect(await clocked.steps()).toEqual([2, 3])
    expect((await store.removed()).map(({ step }) => step)).toEqual([2])
  })

  test('stay at least for the grace period, which readers rely on', async () => {
    const clocked = new Clocked()
    const store = clocked.open({ retention: { keepLast: 5, grace: '10 min' } })
    await saved(store, 1, 2)
    const [deleted] = await store.delete([1], { undoFor: '1 min' })
    expect(deleted?.undoUntil).toEqual(new Date(clocked.now + 10 * 60_000))
  })

  test('are deleted at once by a sweep with now', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2)
    await store.delete([1], { undoFor: '1 h' })
    expect((await store.sweep({ dryRun: true })).attempts).toBe(0)
    expect((await store.sweep({ dryRun: true, now: true })).attempts).toBe(1)
    expect(await clocked.steps()).toEqual([1, 2])
    expect((await store.sweep({ now: true })).attempts).toBe(1)
    expect(await clocked.steps()).toEqual([2])
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
  })

  test('are never what a save drops by its own retention', async () => {
    const clocked = new Clocked()
    const store = clocked.open({ retention: { keepLast: 1, grace: '1 h' } })
    await saved(store, 1, 2)
    expect(await store.removed()).toEqual([])
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
  })

  test('are deleted by the next sweep if the deletion is interrupted after its commit', async () => {
    const backend = new FaultyBackend()
    const store = storeOn(backend)
    await saved(store, 1, 2)
    await store.delete([1], { undoFor: '1 h' })
    backend.intercept = (method, key) =>
      method === 'delete' && !key.startsWith('probe/') ? 'fail before' : 'pass'
    expect(await codeOf(store.sweep({ now: true }))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
    await store.sweep()
    expect((await keysOf(backend, 'data/')).every((key) => key.startsWith('data/2-'))).toBe(true)
  })
})

describe('room for a save', () => {
  /** A disk that has room for three checkpoints of this size. */
  class SmallBackend extends MemoryBackend {
    override readonly capabilities: BackendCapabilities = {
      ...new MemoryBackend().capabilities,
      freeSpace: 'measured',
    }

    override async freeSpace(): Promise<FreeSpace> {
      let used = 0
      for await (const { size } of this.list('data/')) used += size
      return { kind: 'measured', available: Math.max(0, 3_500_000 - used), total: 3_500_000 }
    }
  }

  const files = { a: Buffer.alloc(1_000_000) }

  test('is made by deleting removed checkpoints, before any other', async () => {
    const clocked = new Clocked(new SmallBackend())
    const store = clocked.open()
    for (const step of [1, 2, 3]) await store.save({ step, files })
    await store.delete([1], { undoFor: '1 h' })
    expect(await clocked.steps()).toEqual([1, 2, 3])
    const { dropped } = await store.save({ step: 4, files })
    expect(dropped).toEqual([])
    expect(await listed(store)).toEqual([2, 3, 4])
    expect(await clocked.steps()).toEqual([2, 3, 4])
    expect(await codeOf(store.undo())).toBe('NOT_FOUND')
  })

  test.each([false, true])('keeps the undo of a save that fails anyway (makeRoom: %s)', async (makeRoom) => {
    const clocked = new Clocked(new SmallBackend())
    const store = clocked.open({ space: { makeRoom } })
    for (const step of [1, 2, 3]) await store.save({ step, files })
    await store.delete([1], { undoFor: '1 h' })
    const large = { a: Buffer.alloc(3_000_000) }
    const refused = store.save({ step: 4, files: large })
    await expect(refused).rejects.toThrow('1 removed checkpoint takes 1.0 MB, kept for an undo.')
    await expect(refused).rejects.toMatchObject({
      code: 'INSUFFICIENT_SPACE',
      hint: { kind: 'free-space', hasRemoved: true },
    })
    await store.undo()
    expect(await listed(store)).toEqual([1, 2, 3])
  })

  test('takes removed checkpoints and then others if it may drop them', async () => {
    const clocked = new Clocked(new SmallBackend())
    const store = clocked.open({ space: { makeRoom: true } })
    for (const step of [1, 2, 3]) await store.save({ step, files })
    await store.delete([1], { undoFor: '1 h' })
    const { dropped } = await store.save({ step: 4, files: { a: Buffer.alloc(2_000_000) } })
    expect(dropped.map(({ step }) => step)).toEqual([2])
    expect(await listed(store)).toEqual([3, 4])
    expect(await clocked.steps()).toEqual([3, 4])
  })
})

describe('a store with removed checkpoints', () => {
  test('requires the feature as long as the list is not empty', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2)
    expect(await clocked.requires()).toEqual([])
    await store.delete([1], { undoFor: '1 h' })
    await save(store, 3)
    expect(await clocked.requires()).toEqual(['undo'])
    await store.undo()
    expect(await clocked.requires()).toEqual([])
    await store.delete([1], { undoFor: '1 h' })
    await store.sweep({ now: true })
    expect(await clocked.requires()).toEqual([])
  })

  test('does not list them again in a repair, neither of a sound nor of a damaged catalog', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2)
    await store.delete([1], { undoFor: '1 h' })
    expect((await store.repair()).recovered).toEqual([])
    await save(store, 3)
    await store.close()
    const newest = (await keysOf(clocked.backend, 'catalog/')).at(-1) ?? ''
    await tamper(clocked.backend, newest, flipBit)
    const after = clocked.open()
    await after.repair()
    expect((await after.removed()).map(({ step }) => step)).toEqual([1])
    expect(await listed(after)).toEqual([2, 3])
    await after.undo()
    expect(await listed(after)).toEqual([1, 2, 3])
  })

  test('keeps an undone checkpoint, removed again, if the version with the undo is damaged after its time', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2)
    await store.delete([1], { undoFor: '1 h' })
    await store.undo()
    const undone = (await keysOf(clocked.backend, 'catalog/')).at(-1) ?? ''
    await tamper(clocked.backend, undone, flipBit)
    clocked.now += 2 * hour
    const after = clocked.open({ takeOver: true })
    await saved(after, 3)
    await after.flush()
    expect(await listed(after)).toEqual([2, 3])
    expect(await after.removed()).toMatchObject([{ step: 1, undoUntil: new Date(clocked.now + hour) }])
    await after.undo()
    expect(await contentOf(after, 1)).toBe('1')
  })

  test('marks in a repair what a rewind left behind, also if the version with the rewind is damaged', async () => {
    const clocked = new Clocked()
    const store = clocked.open()
    await saved(store, 1, 2, 3, 4)
    const [key = ''] = (await keysOf(clocked.backend, 'data/4-')).filter((each) => each.endsWith('/a'))
    await tamper(clocked.backend, key, flipBit)
    await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([4])
    await tamper(clocked.backend, key, flipBit)
    await store.delete([3], { undoFor: '1 h' })
    await store.rewind(1)
    await store.close()
    const newest = (await keysOf(clocked.backend, 'catalog/')).slice(-2)
    for (const version of newest) await tamper(clocked.backend, version, flipBit)
    const after = clocked.open({ takeOver: true })
    await after.repair()
    expect(await listed(after)).toEqual([1])
    expect(await after.quarantined()).toMatchObject([{ step: 4 }])
    await after.undo()
    expect(await listed(after)).toEqual([1])
    expect((await after.abandoned()).map(({ step }) => step)).toEqual([2, 3])
  })

  test('keeps an undone checkpoint if the page with its line is lost', async () => {
    const clocked = new Clocked()
    const store = clocked.open({}, foldingEarly)
    await saved(store, ...Array.from({ length: 10 }, (_, index) => index))
    await store.delete([1], { undoFor: '1 h' })
    await store.undo()
    await store.close()
    await clocked.backend.delete(await keysOf(clocked.backend, 'pages/'))
    const after = clocked.open({}, foldingEarly)
    await after.repair()
    await after.sweep()
    expect(await listed(after)).toContain(1)
    expect(await contentOf(after, 1)).toBe('1')
  })

  test('shows the deletion in its history', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 2)
    await store.delete([1], { undoFor: '1 h' })
    expect((await store.history()).at(-1)).toMatchObject({
      did: 'delete 1',
      dropped: [{ step: 1, because: 'deleted by hand' }],
    })
    await store.undo()
    expect((await store.history()).at(-1)).toMatchObject({ did: 'undo 1', dropped: [] })
  })

  test('does not copy them, and undoes only its own deletions', async () => {
    const [here, there] = [new Clocked(), new Clocked()]
    const [from, to] = [here.open(), there.open()]
    await saved(from, 1, 2)
    await copyCheckpoints(from, to)
    await to.delete([1], { undoFor: '1 h' })
    await from.delete([1], { undoFor: '1 h' })
    await from.undo()
    expect(await listed(to)).toEqual([2])
    await copyCheckpoints(from, to)
    expect(await listed(to)).toEqual([1, 2])
    expect(await codeOf(to.undo())).toBe('ALREADY_EXISTS')
  })

  test('is not possible for a deletion of more than 1,000 checkpoints, which is refused if it names a time', async () => {
    const clocked = new Clocked()
    const store = clocked.open({ retention: { keepLast: 1, grace: '1 h' } })
    const writer = clocked.open()
    for (let step = 1; step <= 1_002; step += 1) await save(writer, step)
    await writer.close()
    expect((await store.prune({ dryRun: true })).undoUntil).toBeUndefined()
    expect(await codeOf(store.prune({ undoFor: '2 h', dryRun: true }))).toBe('INVALID_ARGUMENT')
    expect(await codeOf(store.prune({ undoFor: '2 h' }))).toBe('INVALID_ARGUMENT')
    expect(await listed(store)).toHaveLength(1_002)
    await store.delete([1], { undoFor: '2 h' })
    expect(await codeOf(store.prune({ undoFor: '2 h' }))).toBe('INVALID_ARGUMENT')
    clocked.now += 2 * hour
    expect((await store.prune({ undoFor: '2 h', dryRun: true })).undoUntil).toBeDefined()
    clocked.now -= 2 * hour
    const { dropped, undoUntil } = await store.prune()
    expect([dropped.length, undoUntil]).toEqual([1_000, undefined])
    expect((await store.removed()).map(({ step }) => step)).toEqual([1])
  })

  test('is rejected if the store does not exist, by an error that says so', async () => {
    await expect(new Clocked().open().undo()).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('There is no store at') as string,
    })
  })

  test('rejects an invalid time, and one for a job of many ranks', async () => {
    const store = new Clocked().open()
    await saved(store, 1, 2)
    expect(await codeOf(store.delete([1], { undoFor: -1 }))).toBe('INVALID_ARGUMENT')
    // @ts-expect-error -- there is no such unit
    expect(await codeOf(store.prune({ undoFor: '1 m' }))).toBe('INVALID_ARGUMENT')
    const rank = new Clocked().open({ ranks: { rank: 0, size: 1 } })
    expect(await codeOf(rank.undo())).toBe('UNSUPPORTED')
    expect(await codeOf(rank.prune({ undoFor: '1 h' }))).toBe('UNSUPPORTED')
    const [deleted] = await store.delete([1], { undoFor: Number.MAX_VALUE })
    expect(deleted?.undoUntil).toEqual(new Date(Date.UTC(9999, 0)))
  })
})
