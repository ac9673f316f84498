import { describe, expect, test } from 'vitest'
import { copyCheckpoints, MemoryBackend, type CheckpointStore } from '../../../src/index.ts'
import type { CommitOptions } from '../../../src/backend.ts'
import { attemptOfKey, decodeManifest, encodeManifest } from '../../../src/catalog/documents/index.ts'
import { codeOf, FaultyBackend, flipBit, keysOf, storeOn, tamper } from '../../stores.ts'
import { copied, dataKeys, filesOf, latestStep, stepsOf, storeWith } from './copies.ts'

const fileCount = 20

/** Large enough that only few files are sent at once. */
const fileBytes = 2 ** 20

/** A store with one checkpoint of many files. */
async function storeOfManyFiles(): Promise<CheckpointStore> {
  const store = storeOn(new MemoryBackend(), { mode: 'shared' })
  const files = Array.from({ length: fileCount }, (_, index): [string, Uint8Array] => [
    `shard-${String(index).padStart(2, '0')}`,
    Buffer.alloc(fileBytes, index + 1),
  ])
  await store.save({ step: 1, files: Object.fromEntries(files) })
  return store
}

/** The names of the files that were sent to a backend. */
function sent(backend: FaultyBackend): readonly string[] {
  return backend.calls
    .filter((call) => call.startsWith('put data/'))
    .map((call) => call.split('/').at(-1) ?? '')
}

/** A destination to which a copy was interrupted, with the keys of the files that it has. */
async function interrupted(
  from: CheckpointStore,
): Promise<{ readonly backend: FaultyBackend; readonly there: readonly string[] }> {
  const backend = new FaultyBackend()
  let stored = 0
  backend.intercept = (method, key) => {
    if (method !== 'put' || !key.startsWith('data/')) return 'pass'
    stored += 1
    return stored > 15 ? 'fail before' : 'pass'
  }
  expect(await codeOf(copyCheckpoints(from, storeOn(backend, { mode: 'shared' })))).toBe('UNAVAILABLE')
  backend.intercept = () => 'pass'
  backend.calls.length = 0
  const there = await keysOf(backend, 'data/')
  expect(there.length).toBeGreaterThanOrEqual(12)
  return { backend, there }
}

describe('a copy that was interrupted', () => {
  test('is shown apart from unfinished saves, and as what the same copy continues', async () => {
    const from = await storeOfManyFiles()
    const { backend, there } = await interrupted(from)
    const store = storeOn(backend, { mode: 'shared' })
    const bytes = there.length * fileBytes
    const none = { saves: 0, bytes: 0, isSizeKnown: true }
    const one = { saves: 1, bytes, isSizeKnown: true }
    expect(await store.unfinishedSaves()).toMatchObject({ ...one, copies: one, ended: none, others: none })
    const finding = (await store.doctor()).find(({ check }) => check === 'unfinished saves')?.finding
    expect(finding).toMatch(
      /^1 unfinished copy takes 1\d MB, kept.*\. The same copy or mirror continues it\.$/,
    )
    await copyCheckpoints(from, store)
    expect(await store.unfinishedSaves()).toMatchObject(none)
  })

  test('continues, and sends only the files that are missing', async () => {
    const from = await storeOfManyFiles()
    const { backend, there } = await interrupted(from)
    const store = storeOn(backend, { mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, store)
    expect(sent(backend)).toHaveLength(fileCount - there.length)
    expect(outcomes).toMatchObject([{ kind: 'copied', bytesBefore: there.length * fileBytes }])
    expect((await store.verify()).good).toBe(true)
    await store.flush()
    expect(await keysOf(backend, 'agreements/')).toEqual([])
  })

  test('sends a file again whose bytes are damaged, and no other', async () => {
    const from = await storeOfManyFiles()
    const { backend, there } = await interrupted(from)
    const [damaged = ''] = there
    await tamper(backend, damaged, flipBit)
    backend.calls.length = 0
    const store = storeOn(backend, { mode: 'shared' })
    await copied(from, store)
    expect(sent(backend)).toHaveLength(fileCount - there.length + 1)
    expect(sent(backend)).toContain(damaged.split('/').at(-1))
    expect((await store.verify()).good).toBe(true)
  })

  test('continues after its manifest was written', async () => {
    const from = await storeOfManyFiles()
    const backend = new FaultyBackend()
    backend.intercept = (method, key) =>
      method === 'commit' && key.startsWith('catalog/') && sent(backend).length === fileCount
        ? 'fail before'
        : 'pass'
    expect(await codeOf(copyCheckpoints(from, storeOn(backend, { mode: 'shared' })))).toBe('UNAVAILABLE')
    backend.intercept = () => 'pass'
    backend.calls.length = 0
    const store = storeOn(backend, { mode: 'shared' })
    expect(await copied(from, store)).toEqual(['copied 1'])
    expect(sent(backend)).toEqual([])
    expect((await store.verify()).good).toBe(true)
  })

  test('begins again if a takeover has swept what it stored', async () => {
    const from = await storeOfManyFiles()
    const { backend } = await interrupted(from)
    const owner = storeOn(backend)
    await owner.save({ step: 9, files: filesOf(9) })
    await owner.close()
    const store = storeOn(backend, { mode: 'shared' })
    expect(await copied(from, store)).toEqual(['copied 1'])
    expect(sent(backend).length).toBeGreaterThanOrEqual(fileCount)
    expect((await store.verify()).good).toBe(true)
    await store.flush()
    expect(await keysOf(backend, 'agreements/')).toEqual([])
  })

  test('begins again if the agreement is damaged', async () => {
    const from = await storeOfManyFiles()
    const { backend } = await interrupted(from)
    await tamper(backend, (await keysOf(backend, 'agreements/'))[0] ?? '', flipBit)
    const store = storeOn(backend, { mode: 'shared' })
    expect(await copied(from, store)).toEqual(['copied 1'])
    expect((await store.verify()).good).toBe(true)
  })
})

describe('two copiers at once', () => {
  test('make one checkpoint', async () => {
    const from = await storeOfManyFiles()
    const backend = new MemoryBackend()
    const copiers = [1, 2, 3].map(() => storeOn(backend, { mode: 'shared' }))
    await storeOn(backend, { mode: 'shared' }).save({ step: 0, files: filesOf(0) })
    const outcomes = await Promise.all(copiers.map((store) => copied(from, store)))
    for (const outcome of outcomes) expect(['copied 1', 'there 1']).toContain(outcome[0])
    const [store] = copiers
    await Promise.all(copiers.map((each) => each.flush()))
    expect((await store?.verify())?.good).toBe(true)
    expect(await keysOf(backend, 'data/1-')).toHaveLength(fileCount + 1)
    expect(await keysOf(backend, 'agreements/')).toEqual([])
  })

  test('commit from the manifest that is there, if both wrote one', async () => {
    const from = await storeWith(1)
    const backend = new FaultyBackend()
    const slow = storeOn(backend, { mode: 'shared' })
    let isFirst = true
    const other = storeOn(backend, { mode: 'shared' })
    let second: Promise<readonly string[]> | undefined
    backend.intercept = (method, key) => {
      if (method === 'put' && key.startsWith('data/') && isFirst) {
        isFirst = false
        second = from.attach(1, { late: 1 }).then(() => copied(from, other))
      }
      return 'pass'
    }
    const first = await copied(from, slow)
    expect(
      [...first, ...((await second) ?? [])].every((each) => /^(copied|there|updated) 1$/.test(each)),
    ).toBe(true)
    expect(await stepsOf(slow)).toEqual([1])
    expect((await slow.verify()).good).toBe(true)
  })

  test.each([
    ['with another revision', 'another'],
    ['without a revision', undefined],
  ])(
    'commit from the manifest that is there if a false response reports a creation %s',
    async (_, revision) => {
      const from = await storeWith(1)
      class Lying extends MemoryBackend {
        override async commit(key: string, bytes: Uint8Array, options?: CommitOptions) {
          const attempt = attemptOfKey(key)
          if (attempt === undefined) return super.commit(key, bytes, options)
          const own = decodeManifest(bytes, attempt)
          await super.commit(key, encodeManifest({ ...own, metrics: { ...own.metrics, late: 1 } }))
          if (revision !== undefined) options?.onCreated?.(revision)
          return 'created'
        }
      }
      const store = storeOn(new Lying(), { mode: 'shared' })
      expect(await copied(from, store)).toEqual(['copied 1'])
      expect((await store.verify()).good).toBe(true)
    },
  )

  test('report that the checkpoint is there if the other one was faster', async () => {
    const from = await storeWith(1)
    class Paused extends MemoryBackend {
      beforeAgreeing: (() => Promise<unknown>) | undefined

      override async *list(...parameters: Parameters<MemoryBackend['list']>) {
        if (parameters[0].startsWith('agreements/copies/')) {
          const pause = this.beforeAgreeing
          this.beforeAgreeing = undefined
          await pause?.()
        }
        yield* super.list(...parameters)
      }
    }
    const backend = new Paused()
    const [slow, fast] = [storeOn(backend, { mode: 'shared' }), storeOn(backend, { mode: 'shared' })]
    backend.beforeAgreeing = async () => {
      expect(await copied(from, fast)).toEqual(['copied 1'])
      await fast.flush()
    }
    expect(await copied(from, slow)).toEqual(['there 1'])
    await slow.flush()
    expect(await dataKeys(slow, 1)).toHaveLength(2)
    expect(await keysOf(backend, 'agreements/')).toEqual([])
  })

  test('make one checkpoint if the commit of the other one is refused, and it discards what both stored', async () => {
    const from = await storeWith(1)
    let other: Promise<readonly string[]> | undefined
    class Waiting extends MemoryBackend {
      override async commit(...parameters: Parameters<MemoryBackend['commit']>) {
        if (parameters[0].startsWith('data/1-') && other === undefined)
          await (other = copied(from, contradicting))
        return super.commit(...parameters)
      }
    }
    const backend = new Waiting()
    const minimising = storeOn(backend, {
      mode: 'shared',
      objectives: { loss: { metric: 'loss', direction: 'min' } },
    })
    await minimising.save({ step: 0, files: filesOf(0), metrics: { loss: 1 } })
    const contradicting = storeOn(backend, {
      mode: 'shared',
      objectives: { loss: { metric: 'loss', direction: 'max' } },
    })
    const store = storeOn(backend, { mode: 'shared' })
    expect(await copied(from, store)).toEqual(['copied 1'])
    expect(await other).toEqual(['failed 1: INVALID_ARGUMENT'])
    expect(await stepsOf(store)).toEqual([0, 1])
    expect((await store.verify()).good).toBe(true)
  })

  test('never list an attempt again that was dropped long ago', async () => {
    const from = await storeWith(1)
    const backend = new FaultyBackend()
    const sleeper = storeOn(backend, { mode: 'shared' })
    const awake = storeOn(backend, { mode: 'shared' })
    await awake.save({ step: 100, files: filesOf(100) })
    let hasSlept = false
    backend.intercept = (method, key) => {
      if (method === 'commit' && key.endsWith('manifest.json') && !hasSlept) {
        hasSlept = true
        return 'fail before'
      }
      return 'pass'
    }
    expect(await codeOf(copyCheckpoints(from, sleeper))).toBe('UNAVAILABLE')
    const [agreement = ''] = await keysOf(backend, 'agreements/')
    const { body } = await backend.read(agreement)
    const bytes = new Uint8Array(await new Response(body).arrayBuffer())
    await copied(from, awake)
    await awake.delete([1])
    for (let commits = 0; commits < 70; commits += 1) await awake.pin(100, String(commits))
    await backend.put(agreement, bytes) // as a store that was copied as a whole may have it
    expect(await copied(from, sleeper)).toEqual(['copied 1'])
    expect(await dataKeys(sleeper, 1)).toHaveLength(2)
    expect((await sleeper.verify()).good).toBe(true)
    expect(await latestStep(sleeper)).toBe(1)
  })
})
