import { describe, expect, test } from 'vitest'
import { type CheckpointStore, HoldfastError, MemoryBackend } from '../../src/index.ts'
import { type CallOptions } from '../../src/backend.ts'
import { codeOf, flipBit, foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

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
  test('is reported by verify, and makes a plain restore reject', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend)
    expect(await codeOf(store.list())).toBe('CORRUPT')
    expect(await codeOf(store.verify())).toBe('CORRUPT')
    expect(await codeOf(store.restore('latest', { to: await temporaryFolder() }))).toBe('CORRUPT')
  })

  test('loses at most one checkpoint in a restore with fallback', async () => {
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
      recovered: [3],
      quarantined: [],
      damagedCatalogs: [{ version: 4 }],
      version: 5,
    })
    expect(await steps(store)).toEqual([1, 2, 3])
    expect(await store.repair()).toMatchObject({ recovered: [], version: undefined })
    await store.save({ step: 4, files })
    expect((await store.verify()).problems).toEqual([])
  })

  test('is rebuilt by the first write of the next run', async () => {
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

describe('a rebuild of a catalog that may have pinned checkpoints', () => {
  async function keptBy(store: CheckpointStore): Promise<readonly number[]> {
    return (await store.list()).flatMap(({ step, pinned }) => (pinned === undefined ? [] : [step]))
  }

  /** Saves four steps and pins one, and then damages or loses the version with the pin. */
  const losses = {
    'its newest version is damaged': async (backend) =>
      tamper(backend, await newestCatalog(backend), flipBit),
    'all its versions are lost': async (backend) => backend.delete(await keysOf(backend, 'catalog/')),
  } as const satisfies Record<string, (backend: MemoryBackend) => Promise<unknown>>

  test.each(Object.entries(losses))('pins all that it lists if %s', async (_, lose) => {
    const backend = new MemoryBackend()
    await saved(backend, 4)
    await storeOn(backend, { mode: 'shared' }).pin(2)
    await lose(backend)
    const store = storeOn(backend, { mode: 'shared', retention: { keepLast: 1 } })
    const rebuilt: unknown[] = []
    store.on('rebuilt', (event) => rebuilt.push(event))
    const { dropped } = await store.save({ step: 9, files })
    expect(dropped).toEqual([])
    expect(await keptBy(store)).toEqual([1, 2, 3, 4])
    expect(rebuilt).toMatchObject([
      { checkpoints: 4, pinned: [1, 2, 3, 4], reason: expect.any(String) as string },
    ])
    expect((await store.get(2))?.pinned?.reason).toMatch(/damaged or lost.*may have pinned.*unpin/i)
  })

  test('refuses to delete what it pinned, and states who pinned it', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend, { mode: 'shared' })
    await store.repair()
    await expect(store.delete([2])).rejects.toThrow(
      'A repair pinned step 2, because it may have been pinned before. If it needs no pin, unpin it first.',
    )
    await store.unpin(2)
    expect(await store.delete([2])).toMatchObject([{ step: 2 }])
  })

  test('pins abandoned checkpoints', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    const store = storeOn(backend, { mode: 'shared', retention: { keepLast: 1 } })
    await store.rewind(1)
    await store.pin(2)
    await tamper(backend, await newestCatalog(backend), flipBit)
    const again = storeOn(backend, { mode: 'shared', retention: { keepLast: 1 } })
    expect((await again.save({ step: 9, files })).dropped).toEqual([])
    expect((await again.abandoned()).map(({ step }) => step)).toEqual([2, 3])
  })

  test('reports a step once, and which steps have several pins', async () => {
    const backend = new MemoryBackend()
    const writer = storeOn(backend, { mode: 'shared', retention: { keepTags: ['kept'] } })
    await writer.save({ step: 1, files, tags: ['kept'] })
    for (const text of ['one', 'two', 'three']) {
      await writer.rewind(1)
      await writer.save({ step: 2, files: { a: Buffer.from(text) }, tags: ['kept'] })
    }
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend, { mode: 'shared' })
    const rebuilt: unknown[] = []
    store.on('rebuilt', (event) => rebuilt.push(event))
    await store.save({ step: 3, files })
    expect(rebuilt).toMatchObject([{ pinned: [1, 2], pinnedSeveralTimes: [2] }])
    await store.unpin(2)
    await store.unpin(2)
    await expect(store.delete([2])).rejects.toThrow('A repair pinned step 2')
    await store.unpin(2)
    expect(await store.delete([2])).toHaveLength(2)
    expect((await store.get(2))?.pinned).toBeUndefined()
  })

  test('keeps the reason of an older pin', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 2)
    const store = storeOn(backend, { mode: 'shared' })
    await store.pin(1, 'for the paper')
    await store.save({ step: 3, files })
    await tamper(backend, await newestCatalog(backend), flipBit)
    expect(await storeOn(backend).repair()).toMatchObject({ pinned: [2, 3] })
    expect((await storeOn(backend).get(1))?.pinned?.reason).toBe('for the paper')
  })

  test('pins nothing if it only quarantines', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 2)
    const store = storeOn(backend, { mode: 'shared' })
    await backend.delete([(await store.get(1))?.files[0]?.key ?? ''])
    expect(await store.repair()).toMatchObject({ quarantined: [{ step: 1 }], pinned: [] })
    expect(await keptBy(store)).toEqual([])
  })
})

describe('lost catalogs', () => {
  test('are rebuilt by a restore with fallback and by the next write if all are lost', async () => {
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

  test('are rebuilt if the newest is lost', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 3)
    await backend.delete([await newestCatalog(backend)])
    const store = storeOn(backend)
    expect(await store.repair()).toMatchObject({ recovered: [3] })
    expect(await steps(store)).toEqual([1, 2, 3])
  })

  test('are rebuilt if all are lost and the marker, too', async () => {
    const backend = new MemoryBackend()
    await saved(backend, 5)
    await backend.delete(await keysOf(backend, 'catalog/'))
    const store = storeOn(backend)
    expect(await store.repair()).toMatchObject({ recovered: [1, 2, 3, 4, 5] })
    expect(await steps(store)).toEqual([1, 2, 3, 4, 5])
    await backend.delete(['holdfast.json'])
    expect((await store.verify()).problems).toEqual([expect.stringContaining('holdfast.json')])
    expect(await store.repair()).toMatchObject({ markerRewritten: true })
    expect((await store.verify()).good).toBe(true)
  })

  test('are rebuilt with the later attempt of a replaced step, and quarantine the earlier one', async () => {
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
    for (const [key, bytes] of earlier) await backend.put(key, bytes) // the crash occurred before the deletion
    await tamper(backend, await newestCatalog(backend), flipBit)
    const store = storeOn(backend)
    await store.repair()
    expect((await store.get(2))?.files.map(({ name }) => name)).toEqual(['b'])
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([2])
  })
})

test('leaves alone a whole attempt of a listed step if the catalog is sound', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 2)
  const elsewhere = new MemoryBackend()
  const other = storeOn(elsewhere, { mode: 'shared' })
  await other.save({ step: 2, files: { b: Buffer.from('never acknowledged') } })
  for (const key of await keysOf(elsewhere, 'data/')) {
    await backend.put(key, Buffer.concat(await Array.fromAsync((await elsewhere.read(key)).body)))
  }
  const store = storeOn(backend)
  expect(await store.repair()).toMatchObject({ recovered: [], quarantined: [], version: undefined })
  expect((await store.get(2))?.files.map(({ name }) => name)).toEqual(['a'])
  expect(await store.quarantined()).toEqual([])
})

describe('a save that fails beside a repair', () => {
  const failure = new HoldfastError('UNAVAILABLE', 'the store does not answer')

  test('stays listed if the repair found it first, and rejects with OUTCOME_UNKNOWN', async () => {
    const backend = new InterruptedBackend()
    await saved(backend, 1)
    backend.interrupt('after put', 'manifest.json', async () => {
      expect((await storeOn(backend, { mode: 'shared' }).repair()).recovered).toEqual([2])
      throw failure
    })
    const store = storeOn(backend, { mode: 'shared' })
    expect(await codeOf(store.save({ step: 2, files }))).toBe('OUTCOME_UNKNOWN')
    expect(await steps(store)).toEqual([1, 2])
    expect((await store.verify()).good).toBe(true)
  })

  test('is not listed while its files are deleted', async () => {
    const backend = new InterruptedBackend()
    await saved(backend, 1)
    backend.interrupt('after put', 'manifest.json', () => Promise.reject(failure))
    backend.interrupt('before delete', 'manifest.json', async () => {
      expect((await storeOn(backend, { mode: 'shared' }).repair()).recovered).toEqual([])
    })
    const store = storeOn(backend, { mode: 'shared' })
    expect(await codeOf(store.save({ step: 2, files }))).toBe('UNAVAILABLE')
    expect(await steps(store)).toEqual([1])
    expect(await keysOf(backend, 'data/2')).toEqual([])
  })

  test('is not listed by a repair that found it whole and commits later', async () => {
    const backend = new InterruptedBackend()
    await saved(backend, 1)
    const isWritten = Promise.withResolvers<undefined>()
    const isFound = Promise.withResolvers<undefined>()
    const hasFailed = Promise.withResolvers<undefined>()
    backend.interrupt('after put', 'manifest.json', async () => {
      backend.interrupt('before commit', 'catalog/', async () => {
        isFound.resolve(undefined)
        await hasFailed.promise
      })
      isWritten.resolve(undefined)
      await isFound.promise
      throw failure
    })
    const store = storeOn(backend, { mode: 'shared' })
    const save = codeOf(store.save({ step: 2, files })).finally(() => {
      hasFailed.resolve(undefined)
    })
    await isWritten.promise
    expect((await storeOn(backend, { mode: 'shared' }).repair()).recovered).toEqual([])
    expect(await save).toBe('UNAVAILABLE')
    expect(await steps(store)).toEqual([1])
    expect(await keysOf(backend, 'data/2')).toEqual([])
  })
})

interface Interruption {
  readonly when: 'after put' | 'before commit' | 'before delete'
  readonly key: string
  readonly act: () => Promise<void>
}

/** Runs an action before or after a call, once. */
class InterruptedBackend extends MemoryBackend {
  #interruptions: Interruption[] = []

  interrupt(when: Interruption['when'], key: string, act: () => Promise<void>): void {
    this.#interruptions.push({ when, key, act })
  }

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    const result = await super.put(...parameters)
    await this.#act('after put', parameters[0])
    return result
  }

  override async commit(key: string, bytes: Uint8Array, options?: CallOptions) {
    await this.#act('before commit', key)
    return super.commit(key, bytes, options)
  }

  override async delete(keys: readonly string[], options?: CallOptions) {
    await this.#act('before delete', keys[0] ?? '')
    return super.delete(keys, options)
  }

  async #act(when: Interruption['when'], key: string): Promise<void> {
    const found = this.#interruptions.find((each) => each.when === when && key.includes(each.key))
    if (found === undefined) return
    this.#interruptions = this.#interruptions.filter((each) => each !== found)
    await found.act()
  }
}

test('reports a flipped bit in the marker, which stops no writer, and repairs it with the next write', async () => {
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

test('quarantines an incomplete checkpoint, and lists it again once it verifies', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 3)
  const store = storeOn(backend)
  const key = (await store.get(2))?.files[0]?.key ?? ''
  const bytes = Buffer.concat(await Array.fromAsync((await backend.read(key)).body))
  await backend.delete([key])
  expect(await store.repair()).toMatchObject({ quarantined: [{ step: 2 }] })
  expect(await steps(store)).toEqual([1, 3])
  await backend.put(key, bytes)
  expect(await store.repair()).toMatchObject({ released: [2] })
  expect(await steps(store)).toEqual([1, 2, 3])
  expect(await store.quarantined()).toEqual([])
})

test('does not fence a running owner if the store is sound', async () => {
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
  expect(await storeOn(backend, { mode: 'shared', takeOver: true }).repair()).toMatchObject({
    recovered: [2],
  })
})

test('deletes the quarantined checkpoint first if its step was saved again', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 3)
  const store = storeOn(backend, { mode: 'shared' })
  await backend.delete([(await store.get(2))?.files[0]?.key ?? ''])
  await store.repair()
  await store.save({ step: 2, files })
  await store.delete([2])
  expect(await store.quarantined()).toEqual([])
  expect(await steps(store)).toEqual([1, 2, 3])
})

test('names every damaged checkpoint and file; a quick verification finds missing and cut files', async () => {
  const backend = new MemoryBackend()
  await saved(backend, 4)
  const store = storeOn(backend)
  const keys = new Map<number, string>()
  for (const step of [1, 2, 3]) keys.set(step, (await store.get(step))?.files[0]?.key ?? '')
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

test('refuses a store that does not enforce conditional creation before it writes to it', async () => {
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

describe('a damaged or missing page of the catalog', () => {
  /** Creates ten steps, of which the first are in pages. Returns the key of the page that lists step 1. */
  async function folded(): Promise<{ readonly backend: MemoryBackend; readonly page: string }> {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    for (let step = 1; step <= 10; step += 1) await store.save({ step, files, metrics: { loss: step } })
    await store.attach(1, { late: 1 })
    await store.pin(1, 'for the paper')
    const pages = await keysOf(backend, 'pages/')
    const texts = await Promise.all(
      pages.map(async (key) =>
        Buffer.concat(await Array.fromAsync((await backend.read(key)).body)).toString(),
      ),
    )
    const page = pages.findLast((_, index) => texts[index]?.includes('"reason":"for the paper"'))
    if (page === undefined) throw new Error('No page lists step 1')
    return { backend, page }
  }

  test.each([
    ['flipped', (backend: MemoryBackend, page: string) => tamper(backend, page, flipBit)],
    ['gone', (backend: MemoryBackend, page: string) => backend.delete([page])],
  ])('%s: what needs it is refused, and what does not goes on', async (_, damage) => {
    const { backend, page } = await folded()
    await damage(backend, page)
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    for (const call of [store.list(), store.verify(), store.get(1), store.sweep(), store.delete([10])]) {
      expect(await codeOf(call)).toBe('CORRUPT')
    }
    expect((await store.latest())?.step).toBe(10)
    expect((await store.restore('latest', { to: await temporaryFolder() }))?.step).toBe(10)
    await store.save({ step: 11, files })
    const older = await store.restore(3, { to: await temporaryFolder(), fallback: true })
    expect(older).toMatchObject({
      step: 3,
      damagedCatalogs: [{ reason: expect.stringContaining(page) as string }],
    })
  })

  test('makes repair list its checkpoints again, and pin them, since they may have been pinned', async () => {
    const { backend, page } = await folded()
    await tamper(backend, page, flipBit)
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    const report = await store.repair()
    expect(report.damagedCatalogs).toMatchObject([{ reason: expect.stringContaining(page) as string }])
    expect(report.recovered).toContain(1)
    expect(await steps(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const pinned = (await store.list()).filter((each) => each.pinned !== undefined).map(({ step }) => step)
    expect(pinned).toEqual(report.recovered)
    expect((await store.verify()).good).toBe(true)
    expect(await store.repair()).toMatchObject({ recovered: [], version: undefined })
    await store.sweep()
    expect(await steps(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  test('fences no owner, which has its pages in memory', async () => {
    const { backend, page } = await folded()
    const owner = storeOn(backend, {}, foldingEarly)
    await owner.save({ step: 11, files })
    const pages = await keysOf(backend, 'pages/')
    await tamper(backend, pages.includes(page) ? page : (pages[0] ?? ''), flipBit)
    expect(await codeOf(storeOn(backend, { mode: 'shared' }, foldingEarly).pin(11))).toBe('FENCED')
    expect(await codeOf(storeOn(backend, { mode: 'shared' }, foldingEarly).repair())).toBe('FENCED')
    await owner.save({ step: 12, files })
  })

  test('is reported by verify and repair if it was read before it was damaged', async () => {
    const { backend, page } = await folded()
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    await store.list()
    await tamper(backend, page, flipBit)
    expect((await store.verify()).problems).toEqual([expect.stringContaining(page)])
    expect((await store.repair()).recovered).toContain(1)
    expect((await store.verify()).good).toBe(true)
  })

  test('does not make a step that it listed count as missing', async () => {
    const { backend, page } = await folded()
    await backend.delete([page])
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    const restore = store.restore(1, { to: await temporaryFolder(), fallback: true })
    await expect(restore).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('store.repair()') as string,
      hint: { kind: 'repair' },
    })
  })

  test('is repaired by the first write of a run that needs it', async () => {
    const { backend, page } = await folded()
    await backend.delete([page])
    const store = storeOn(backend, { retention: { keepLast: 20 } }, foldingEarly)
    await store.save({ step: 11, files })
    expect(await steps(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })

  test('every page, and with them every metric that stood there: the checkpoints have their own', async () => {
    const { backend } = await folded()
    await backend.delete(await keysOf(backend, 'pages/'))
    const store = storeOn(backend, {}, foldingEarly)
    await store.repair()
    expect(await steps(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect((await store.metrics()).map(({ metrics }) => metrics['loss'])).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ])
  })

  test('what was dropped from it long ago and has been deleted does not come back', async () => {
    const { backend, page } = await folded()
    const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
    await store.delete([2])
    await tamper(backend, (await keysOf(backend, 'pages/')).includes(page) ? page : '', flipBit)
    await store.repair()
    expect(await steps(store)).not.toContain(2)
  })
})

test('a number that a sleeper created again is not gone by, when all later versions are damaged', async () => {
  class Recreated extends MemoryBackend {
    /** Stored an hour after all other objects. */
    later = ''

    override async *list(...parameters: Parameters<MemoryBackend['list']>) {
      for await (const stat of super.list(...parameters)) {
        const modifiedAt = new Date(stat.modifiedAt.getTime() + (stat.key === this.later ? 3_600_000 : 0))
        yield { ...stat, modifiedAt }
      }
    }
  }
  const backend = new Recreated()
  const store = storeOn(backend, { mode: 'shared' })
  for (const step of [1, 2]) await store.save({ step, files })
  const elsewhere = new MemoryBackend()
  for (const key of await keysOf(backend)) await elsewhere.put(key, await bytesOf(backend, key))
  await storeOn(elsewhere, { mode: 'shared' }).delete([1])
  for (const step of [3, 4]) await store.save({ step, files })
  backend.later = (await keysOf(elsewhere, 'catalog/')).at(-1) ?? ''
  const slept = await bytesOf(elsewhere, backend.later)
  await tamper(backend, backend.later, () => slept)
  await tamper(backend, await newestCatalog(backend), flipBit)
  await storeOn(backend).repair()
  expect(await steps(storeOn(backend))).toEqual([1, 2, 3, 4])
})

async function bytesOf(backend: MemoryBackend, key: string): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync((await backend.read(key)).body))
}

test('a reader that finds the newest version damaged, while another repairs it and sweeps, gets what that one lists', async () => {
  class Overtaken extends MemoryBackend {
    beforeRead: (() => Promise<unknown>) | undefined

    override async read(...parameters: Parameters<MemoryBackend['read']>) {
      const before = this.beforeRead
      this.beforeRead = undefined
      await before?.()
      return super.read(...parameters)
    }
  }
  const backend = new Overtaken()
  await saved(backend, 3)
  await tamper(backend, await newestCatalog(backend), flipBit)
  const reader = storeOn(backend)
  expect(await codeOf(reader.list())).toBe('CORRUPT')
  backend.beforeRead = async () => {
    const other = storeOn(backend)
    await other.save({ step: 4, files })
    await other.sweep()
  }
  const restored = await reader.restore('latest', { to: await temporaryFolder(), fallback: true })
  expect(restored?.step).toBe(4)
})
