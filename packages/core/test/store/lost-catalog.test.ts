import { describe, expect, test } from 'vitest'
import { type CheckpointStore, MemoryBackend } from '../../src/index.ts'
import { type CallOptions } from '../../src/backend.ts'
import { codeOf, flipBit, foldingEarly, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('some bytes') }

/** Runs an action before each of its calls, as another process could. */
class InterruptedBackend extends MemoryBackend {
  before: (call: string) => Promise<void> = () => Promise.resolve()
  /** An action must not interrupt itself. */
  #isInterrupted = false

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    await this.#interrupt(`put ${parameters[0]}`)
    return super.put(...parameters)
  }

  override async commit(key: string, bytes: Uint8Array, options?: CallOptions) {
    await this.#interrupt(`commit ${key}`)
    return super.commit(key, bytes, options)
  }

  override async read(...parameters: Parameters<MemoryBackend['read']>) {
    await this.#interrupt(`read ${parameters[0]}`)
    return super.read(...parameters)
  }

  override async *list(...parameters: Parameters<MemoryBackend['list']>) {
    await this.#interrupt(`list ${parameters[0]}`)
    yield* super.list(...parameters)
  }

  async #interrupt(call: string): Promise<void> {
    if (this.#isInterrupted) return
    this.#isInterrupted = true
    await this.before(call)
    this.#isInterrupted = false
  }
}

async function saved(backend: MemoryBackend, count = 3): Promise<void> {
  const store = storeOn(backend, { mode: 'shared' })
  for (let step = 1; step <= count; step += 1) await store.save({ step, files })
}

async function loseCatalog(backend: MemoryBackend): Promise<void> {
  await backend.delete(await keysOf(backend, 'catalog/'))
}

async function steps(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

describe('a rebuild of a lost catalog', () => {
  test.each([0, 1, 5, 40])('fences a live owner that knows %i versions that nothing names', async (pins) => {
    for (const early of [false, true]) {
      const backend = new MemoryBackend()
      const owner = storeOn(backend, {}, ...(early ? [foldingEarly] : []))
      for (const step of [1, 2, 3]) await owner.save({ step, files, metrics: { loss: step } })
      for (let each = 0; each < pins; each += 1) await owner.pin(1, String(each))
      await loseCatalog(backend)
      const other = storeOn(backend, { mode: 'shared' })
      await other.repair()
      await other.save({ step: 4, files })
      expect(await codeOf(owner.save({ step: 5, files }))).toBe('FENCED')
      expect(await codeOf(owner.pin(2))).toBe('FENCED')
      await other.sweep()
      expect(await steps(other)).toEqual([1, 2, 3, 4])
      expect((await other.verify()).good).toBe(true)
    }
  })

  test('keeps a save listed that was acknowledged meanwhile', async () => {
    for (const mode of ['exclusive', 'shared'] as const) {
      let calls = Infinity
      for (let interrupted = 0; interrupted < calls; interrupted += 1) {
        const backend = new InterruptedBackend()
        const owner = storeOn(backend, { mode })
        for (const step of [1, 2, 3]) await owner.save({ step, files })
        await owner.pin(1)
        await loseCatalog(backend)
        calls = 0
        let outcome = 'not run'
        backend.before = async () => {
          if (calls === interrupted) outcome = await codeOf(owner.save({ step: 4, files }))
          calls += 1
        }
        const other = storeOn(backend, { mode: 'shared' })
        await other.repair()
        backend.before = () => Promise.resolve()
        const listed = await steps(other)
        expect(listed.slice(0, 3), `${mode}, interrupted at ${interrupted}: ${outcome}`).toEqual([1, 2, 3])
        if (outcome === 'no error') expect(listed).toContain(4)
        else expect(['FENCED', 'OUTCOME_UNKNOWN', 'CORRUPT', 'not run']).toContain(outcome)
        await other.sweep()
        expect((await other.verify()).good).toBe(true)
      }
      expect(calls).toBeGreaterThan(10)
    }
  })

  test('starts above every base, page and version, so that a sweep deletes the leftovers', async () => {
    const backend = new MemoryBackend()
    await saved(backend)
    const leftover = `data/9-5000-${'a'.repeat(16)}/a`
    const page = `pages/7000-${'b'.repeat(16)}.json`
    await backend.put(leftover, Buffer.from('x'))
    await backend.put(page, Buffer.from('x'))
    await loseCatalog(backend)
    const store = storeOn(backend, { mode: 'shared' })
    const { version = 0 } = await store.repair()
    expect(version).toBeGreaterThan(7000)
    expect((await store.sweep()).attempts).toBe(1)
    expect(await keysOf(backend)).not.toEqual(expect.arrayContaining([leftover, page]))
    expect(await steps(store)).toEqual([1, 2, 3])
  })

  test('starts above the lost versions if older ones exist', async () => {
    const backend = new MemoryBackend()
    const owner = storeOn(backend)
    for (const step of [1, 2, 3, 4]) await owner.save({ step, files })
    await backend.delete((await keysOf(backend, 'catalog/')).slice(-2))
    const other = storeOn(backend, { mode: 'shared' })
    expect((await other.repair()).recovered).toEqual([3, 4])
    await other.save({ step: 5, files })
    expect(await codeOf(owner.save({ step: 6, files }))).toBe('FENCED')
    expect(await steps(other)).toEqual([1, 2, 3, 4, 5])
  })

  test('reports the loss, and not the fence that it creates', async () => {
    const backend = new MemoryBackend()
    await saved(backend)
    await loseCatalog(backend)
    const report = await storeOn(backend, { mode: 'shared' }).repair()
    expect(report).toMatchObject({ damagedCatalogs: [], isCatalogLost: true, recovered: [1, 2, 3] })
  })

  test('can be repeated after an interruption', async () => {
    const backend = new InterruptedBackend()
    await saved(backend)
    await loseCatalog(backend)
    let fenced = false
    backend.before = (call) => {
      if (!call.startsWith('commit catalog/')) return Promise.resolve()
      if (fenced) return Promise.reject(new Error('killed'))
      fenced = true
      return Promise.resolve()
    }
    await expect(storeOn(backend, { mode: 'shared' }).repair()).rejects.toThrow('killed')
    backend.before = () => Promise.resolve()
    const store = storeOn(backend, { mode: 'shared' })
    expect(await codeOf(store.list())).toBe('CORRUPT')
    await store.save({ step: 4, files })
    expect(await steps(store)).toEqual([1, 2, 3, 4])
  })

  test('refuses the highest possible number', async () => {
    const backend = new MemoryBackend()
    await saved(backend)
    await backend.put(`data/9-${Number.MAX_SAFE_INTEGER}-${'a'.repeat(16)}/a`, Buffer.from('x'))
    await loseCatalog(backend)
    expect(await codeOf(storeOn(backend, { mode: 'shared' }).repair())).toBe('CORRUPT')
  })
})

describe('a lost catalog', () => {
  const calls: Readonly<Record<string, (store: CheckpointStore) => Promise<unknown>>> = {
    list: (store) => store.list(),
    quarantined: (store) => store.quarantined(),
    latest: (store) => store.latest(),
    best: (store) => store.best('loss'),
    get: (store) => store.get(1),
    read: (store) => store.read(1, 'a'),
    metrics: (store) => store.metrics(),
    plateau: (store) => store.plateau('loss'),
    prune: (store) => store.prune(),
    'prune as a dry run': (store) => store.prune({ dryRun: true }),
    pin: (store) => store.pin(1),
    unpin: (store) => store.unpin(1),
    attach: (store) => store.attach(1, { loss: 1 }),
    delete: (store) => store.delete([1]),
    sweep: (store) => store.sweep(),
    restore: async (store) => store.restore('latest', { to: await temporaryFolder() }),
  }

  test.each(Object.entries(calls))('is reported by %s', async (_, call) => {
    const backend = new MemoryBackend()
    await saved(backend)
    await loseCatalog(backend)
    const before = await keysOf(backend)
    const store = storeOn(backend, {
      mode: 'shared',
      objectives: { loss: { metric: 'loss', direction: 'min' } },
      retention: { keepLast: 1 },
    })
    await expect(call(store)).rejects.toMatchObject({
      code: 'CORRUPT',
      message: expect.stringContaining('lost') as string,
    })
    expect(await keysOf(backend)).toEqual(before)
  })
})

test('repairs beside running saves and keeps what they commit', async () => {
  const backend = new InterruptedBackend()
  await saved(backend)
  await tamper(backend, (await keysOf(backend, 'catalog/')).at(-1) ?? '', flipBit)
  const running = storeOn(backend, { mode: 'shared' })
  let step = 10
  backend.before = async (call) => {
    if (!call.startsWith('commit catalog/') || step >= 13) return
    step += 1
    await running.save({ step, files })
  }
  const store = storeOn(backend, { mode: 'shared' })
  await store.repair()
  expect(await steps(store)).toEqual([1, 2, 3, 11, 12, 13].slice(0, step - 7))
})

describe('a quarantined step', () => {
  async function quarantined(): Promise<CheckpointStore> {
    const backend = new MemoryBackend()
    await saved(backend)
    const store = storeOn(backend, { mode: 'shared' })
    await tamper(backend, (await store.get(3))?.files[0]?.key ?? '', flipBit)
    await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    return store
  }

  test('is reported by get, read and restore', async () => {
    const store = await quarantined()
    const calls = [
      () => store.get(3),
      () => store.read(3, 'a'),
      async () => store.restore(3, { to: await temporaryFolder() }),
    ]
    for (const call of calls) await expect(call()).rejects.toThrow(/^Step 3 is quarantined: .*differs/)
    expect(await store.get(4)).toBeUndefined()
  })

  test('is passed over by a restore with fallback', async () => {
    const store = await quarantined()
    expect(await store.restore(3, { to: await temporaryFolder(), fallback: true })).toMatchObject({
      step: 2,
      passedOver: [{ step: 3, quarantined: { kind: 'recorded' } }],
    })
  })
})

test('rejects a list if a newer version of Holdfast wrote the marker', async () => {
  const backend = new MemoryBackend()
  await saved(backend)
  const { seal } = await import('../../src/catalog/documents/sealed.ts')
  await backend.put('holdfast.json', seal('marker', { format: 'holdfast-marker/2.0' }))
  expect(await codeOf(storeOn(backend).list())).toBe('UNSUPPORTED')
})
