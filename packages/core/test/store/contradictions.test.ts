import { expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import {
  type CommitOptions,
  type CommitOutcome,
  type ListOptions,
  type ObjectStat,
  type ReadableObject,
} from '../../src/backend.ts'
import { codeOf, storeOn } from '../stores.ts'

/** Returns a false response in place of a backend; `undefined` lets the backend respond. */
interface Lies {
  commit?: (key: string) => Promise<CommitOutcome | undefined>
  list?: (prefix: string, listed: readonly ObjectStat[]) => readonly ObjectStat[]
  revision?: (key: string) => string | undefined
}

/** A backend whose calls may get false responses, while other processes use the same backend. */
class DeceivedBackend extends MemoryBackend {
  lies: Lies = {}
  calls = 0
  readonly #backend: MemoryBackend

  constructor(backend: MemoryBackend) {
    super()
    this.#backend = backend
  }

  override async commit(key: string, bytes: Uint8Array, options?: CommitOptions): Promise<CommitOutcome> {
    this.calls += 1
    return (await this.lies.commit?.(key)) ?? this.#backend.commit(key, bytes, options)
  }

  override async *list(prefix: string, options?: ListOptions): AsyncGenerator<ObjectStat> {
    this.calls += 1
    const listed = await Array.fromAsync(this.#backend.list(prefix, options))
    yield* this.lies.list?.(prefix, listed) ?? listed
  }

  override async read(...parameters: Parameters<MemoryBackend['read']>): Promise<ReadableObject> {
    this.calls += 1
    const { stat, body } = await this.#backend.read(...parameters)
    return { stat: { ...stat, revision: this.lies.revision?.(stat.key) ?? stat.revision }, body }
  }

  override put(...parameters: Parameters<MemoryBackend['put']>): ReturnType<MemoryBackend['put']> {
    return this.#backend.put(...parameters)
  }

  override stat(...parameters: Parameters<MemoryBackend['stat']>): ReturnType<MemoryBackend['stat']> {
    return this.#backend.stat(...parameters)
  }

  override delete(...parameters: Parameters<MemoryBackend['delete']>): ReturnType<MemoryBackend['delete']> {
    return this.#backend.delete(...parameters)
  }
}

const isCatalog = (key: string): boolean => key.startsWith('catalog/')
const files = { a: Buffer.from('a') }

async function deceived(): Promise<{ readonly backend: DeceivedBackend; readonly truth: MemoryBackend }> {
  const truth = new MemoryBackend()
  await storeOn(truth, { mode: 'shared' }).save({ step: 1, files })
  return { backend: new DeceivedBackend(truth), truth }
}

test('commits again if the store claims that it created the version of another writer', async () => {
  const { backend, truth } = await deceived()
  const store = storeOn(backend, { mode: 'shared' })
  await store.save({ step: 2, files })
  let lies = 0
  backend.lies.commit = async (key) => {
    if (!isCatalog(key) || lies > 0) return undefined
    lies += 1
    await storeOn(truth, { mode: 'shared' }).save({ step: 3, files })
    return 'created'
  }
  await store.save({ step: 4, files })
  expect(lies).toBe(1)
  expect((await storeOn(truth).list()).map(({ step }) => step)).toEqual([1, 2, 3, 4])
})

test('reports an unknown outcome if the store claims to have created a version that does not exist', async () => {
  const { backend, truth } = await deceived()
  const store = storeOn(backend, { mode: 'shared' })
  await store.save({ step: 2, files })
  backend.lies.commit = async (key) => (isCatalog(key) ? 'created' : undefined)
  expect(await codeOf(store.save({ step: 3, files }))).toBe('OUTCOME_UNKNOWN')
  expect((await storeOn(truth).list()).map(({ step }) => step)).toEqual([1, 2])
})

test('finds its commit id after more later versions than the history names', async () => {
  const { backend, truth } = await deceived()
  const store = storeOn(backend, { mode: 'shared' })
  await store.save({ step: 2, files })
  const other = storeOn(truth, { mode: 'shared', gracePeriod: 1e9 })
  let lies = 0
  backend.lies.commit = async (key) => {
    if (!isCatalog(key) || lies > 0) return undefined
    lies += 1
    for (let step = 100; step < 170; step += 1) await other.save({ step, files })
    return 'created'
  }
  await store.save({ step: 3, files })
  expect((await other.list()).map(({ step }) => step)).toContain(3)
})

test('rejects with the reason if the list and the reads of the catalog disagree', async () => {
  const { backend } = await deceived()
  backend.lies.revision = (key) => (isCatalog(key) ? 'another' : undefined)
  const latest = storeOn(backend).latest()
  await expect(latest).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(latest).rejects.toThrow(/the list has catalog\/\d+\.json with the revision/)
  expect(backend.calls).toBeLessThan(100)
})

test('rejects with the reason if the store claims that a missing version exists', async () => {
  const { backend } = await deceived()
  const store = storeOn(backend, { mode: 'shared' })
  await store.save({ step: 2, files })
  backend.lies.commit = async (key) => (isCatalog(key) ? 'exists' : undefined)
  backend.calls = 0
  const save = store.save({ step: 3, files })
  await expect(save).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  await expect(save).rejects.toThrow(/reports that catalog\/\d+\.json exists/)
  expect(backend.calls).toBeLessThan(100)
})

test.each<[string, (listed: readonly ObjectStat[]) => readonly ObjectStat[]]>([
  ['an empty list', () => []],
  ['a reversed list', (listed) => listed.toReversed()],
])('finds the newest version behind %s', async (_, lie) => {
  const { backend } = await deceived()
  let lies = 0
  backend.lies.list = (prefix, listed) => (isCatalog(prefix) && (lies += 1) === 1 ? lie(listed) : listed)
  const store = storeOn(backend, { mode: 'shared' })
  expect((await store.latest())?.step).toBe(1)
  await store.save({ step: 2, files })
  lies = 0
  expect((await store.latest())?.step).toBe(2)
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 2])
})

test('finds the newest version if others delete listed versions before they are read', async () => {
  const { backend, truth } = await deceived()
  const store = storeOn(backend, { mode: 'shared' })
  const { step } = await store.save({ step: 2, files })
  let lists = 0
  backend.lies.list = (prefix, listed) => {
    lists += isCatalog(prefix) ? 1 : 0
    return isCatalog(prefix) && lists <= 2 ? [] : listed
  }
  // After a takeover, every earlier version may be deleted at once.
  const other = storeOn(truth, { mode: 'shared', takeOver: true })
  await other.save({ step: 3, files })
  await other.sweep()
  expect((await store.list()).map((listed) => listed.step)).toEqual([1, step, 3])
  expect(lists).toBe(3)
})
