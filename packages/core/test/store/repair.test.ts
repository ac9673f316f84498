import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend } from '../../src/index.ts'
import { codeOf, flipBit, keysOf, storeOn, tamper, temporaryFolder } from './stores.ts'

const files = { a: Buffer.from('some bytes') }

async function steps(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

async function saved(backend: MemoryBackend, count: number): Promise<void> {
  const store = storeOn(backend, { mode: 'shared' })
  for (let step = 1; step <= count; step += 1) await store.save({ step, files })
}

async function newestCatalog(backend: MemoryBackend): Promise<string> {
  return (await keysOf(backend, 'catalog/')).at(-1) ?? ''
}

describe('a damaged newest catalog', () => {
  test('is found by verify-like reads, and a plain restore refuses it', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend)
    expect(await codeOf(store.list())).toBe('CORRUPT')
    expect(await codeOf(store.verify())).toBe('CORRUPT')
    expect(await codeOf(store.restore('latest', { to: await temporaryFolder() }))).toBe('CORRUPT')
  })

  test('costs one checkpoint at most with fallback', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const restored = await storeOn(backend).restore('latest', { to: await temporaryFolder(), fallback: true })
    expect(restored).toMatchObject({ step: 2, damagedCatalogs: [{ version: 4 }] })
  })

  test('is rebuilt by repair without losing an acknowledged checkpoint', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend)
    const report = await store.repair()
    expect(report).toMatchObject({
      found: [3],
      quarantined: [],
      damagedCatalogs: [{ version: 4 }],
      version: 5,
    })
    expect(await steps(store)).toEqual([1, 2, 3])
    expect(await store.repair()).toMatchObject({ found: [], version: undefined })
    await store.save({ step: 4, files })
    expect((await store.verify()).problems).toEqual([])
  })

  test('is rebuilt by the first write of the next run, without a person', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend)
    const rebuilt: number[] = []
    store.on('rebuilt', ({ checkpoints }) => rebuilt.push(checkpoints))
    await store.save({ step: 4, files })
    expect(rebuilt).toEqual([3])
    expect(await steps(store)).toEqual([1, 2, 3, 4])
  })
})

describe('lost catalogs', () => {
  test('all of them: a restore with fallback, and the next write, list the checkpoints again', async () => {
    for (const act of ['restore', 'save'] as const) {
      const backend = new MemoryBackend()
      await saved(backend, 3)
      await backend.delete(await keysOf(backend, 'catalog/'))
      const store = storeOn(backend)
      expect((await store.verify()).good).toBe(false)
      expect(await codeOf(store.restore('latest', { to: await temporaryFolder() }))).toBe('CORRUPT')
      if (act === 'restore') {
        expect((await store.restore('latest', { to: await temporaryFolder(), fallback: true }))?.step).toBe(3)
        expect(await steps(store)).toEqual([1, 2, 3])
      } else {
        await store.save({ step: 4, files })
        expect(await steps(store)).toEqual([1, 2, 3, 4])
      }
    }
  })

  test('the newest one', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await backend.delete([await newestCatalog(backend)])
    const store = storeOn(backend)
    expect(await store.repair()).toMatchObject({ found: [3] })
    expect(await steps(store)).toEqual([1, 2, 3])
  })

  test('all of them, and the marker', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 5)
    await backend.delete(await keysOf(backend, 'catalog/'))
    const store = storeOn(backend)
    expect(await store.repair()).toMatchObject({ found: [1, 2, 3, 4, 5] })
    expect(await steps(store)).toEqual([1, 2, 3, 4, 5])
    await backend.delete(['holdfast.json'])
    expect((await store.verify()).problems).toEqual([expect.stringContaining('holdfast.json')])
    expect(await store.repair()).toMatchObject({ markerRewritten: true })
    expect((await store.verify()).good).toBe(true)
  })

  test('a replace that only the lost version knew: the later attempt is listed, the earlier is kept aside', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 2)
    const before = await keysOf(backend)
    const earlier = new Map<string, Uint8Array>()
    for (const key of before.filter((each) => each.startsWith('data/2-'))) {
      earlier.set(key, Buffer.concat(await Array.fromAsync((await backend.read(key)).body)))
    }
    await storeOn(backend, { mode: 'shared' }).save({
      step: 2,
      files: { b: Buffer.from('later') },
      onExisting: 'replace',
    })
    for (const [key, bytes] of earlier) await backend.put(key, bytes) // the crash came before the deletion
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend)
    await store.repair()
    expect((await store.get(2))?.contents.map(({ name }) => name)).toEqual(['b'])
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([2])
  })
})

test('a whole attempt that was never committed does not displace the one that is listed', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 2)
  const elsewhere = new MemoryBackend()
  const other = storeOn(elsewhere, { mode: 'shared' })
  await other.save({ step: 2, files: { b: Buffer.from('never acknowledged') } })
  for (const key of await keysOf(elsewhere, 'data/')) {
    await backend.put(key, Buffer.concat(await Array.fromAsync((await elsewhere.read(key)).body)))
  }
  const store = storeOn(backend)
  await store.repair()
  expect((await store.get(2))?.contents.map(({ name }) => name)).toEqual(['a'])
  expect((await store.quarantined()).map(({ step }) => step)).toEqual([2])
})

test('a flipped bit in the marker is found by verify, stops nobody, and is mended by the next writer', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 2)
  await tamper(backend, 'holdfast.json', flipBit)
  const store = storeOn(backend)
  const report = await store.verify()
  expect(report.good).toBe(false)
  expect(report.problems).toEqual([expect.stringContaining('holdfast.json')])
  expect((await store.restore('latest', { to: await temporaryFolder() }))?.step).toBe(2)
  await store.save({ step: 3, files })
  expect((await store.verify()).good).toBe(true)
})

test('an incomplete checkpoint is set aside, and released once it proves good again', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 3)
  const store = storeOn(backend)
  const key = (await store.get(2))?.contents[0]?.key ?? ''
  const bytes = Buffer.concat(await Array.fromAsync((await backend.read(key)).body))
  await backend.delete([key])
  expect(await store.repair()).toMatchObject({ quarantined: [{ step: 2 }] })
  expect(await steps(store)).toEqual([1, 3])
  await backend.put(key, bytes)
  expect(await store.repair()).toMatchObject({ released: [2] })
  expect(await steps(store)).toEqual([1, 2, 3])
  expect(await store.quarantined()).toEqual([])
})

test('a repair of a sound store does not fence a running owner unasked', async () => {
  const backend = new MemoryBackend()
  const owner = storeOn(backend)
  await owner.save({ step: 1, files })
  const elsewhere = new MemoryBackend()
  await storeOn(elsewhere, { mode: 'shared' }).save({ step: 2, files })
  for (const key of await keysOf(elsewhere, 'data/')) {
    await backend.put(key, Buffer.concat(await Array.fromAsync((await elsewhere.read(key)).body)))
  }
  expect(await codeOf(storeOn(backend, { mode: 'shared' }).repair())).toBe('FENCED')
  await owner.save({ step: 3, files })
  expect(await storeOn(backend, { mode: 'shared', takeOver: true }).repair()).toMatchObject({ found: [2] })
})

test('a step that was saved again after it was set aside: rm takes the one set aside first', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 3)
  const store = storeOn(backend, { mode: 'shared' })
  await backend.delete([(await store.get(2))?.contents[0]?.key ?? ''])
  await store.repair()
  await store.save({ step: 2, files })
  await store.delete([2])
  expect(await store.quarantined()).toEqual([])
  expect(await steps(store)).toEqual([1, 2, 3])
})

test('verify names every checkpoint and file that is not what was saved; quick finds what is missing or cut', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 4)
  const store = storeOn(backend)
  const keys = new Map<number, string>()
  for (const step of [1, 2, 3]) keys.set(step, (await store.get(step))?.contents[0]?.key ?? '')
  await tamper(backend, keys.get(1) ?? '', flipBit)
  await backend.delete([keys.get(2) ?? ''])
  await tamper(backend, keys.get(3) ?? '', (bytes) => bytes.subarray(1))
  const bad = async (quick: boolean): Promise<readonly number[]> =>
    (await store.verify({ quick })).checkpoints
      .filter(({ problems }) => problems.length > 0)
      .map(({ step }) => step)
  expect(await bad(false)).toEqual([1, 2, 3])
  expect(await bad(true)).toEqual([2, 3])
  expect((await store.verify({ steps: [4] })).good).toBe(true)
  expect(await codeOf(store.verify({ steps: [9] }))).toBe('NOT_FOUND')
})

test('a store that does not enforce conditional creation is refused before anything is trusted to it', async () => {
  class Forgetful extends MemoryBackend {
    override async commit(key: string, bytes: Uint8Array) {
      await this.put(key, bytes)
      return 'created' as const
    }
  }
  const backend = new Forgetful()
  expect(await codeOf(storeOn(backend).save({ step: 1, files }))).toBe('UNSUPPORTED')
  expect(await keysOf(backend)).toEqual([])
})
