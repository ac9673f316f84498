import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { HoldfastError, MemoryBackend } from '../../src/index.ts'
import {
  type BackendCapabilities,
  type CommitOptions,
  type PutOptions,
  type PutResult,
  type PutSource,
} from '../../src/backend.ts'
import { codeOf, keysOf, storeOn } from '../stores.ts'

const bytes = Buffer.from('some bytes')

type Moment = 'begins' | 'is visible' | 'is durable'

/** A backend that writes ahead. Each object passes three moments, at which a test can wait or fail. */
class AheadBackend extends MemoryBackend {
  override readonly capabilities: BackendCapabilities
  readonly log: string[] = []
  /** The keys of the puts and commits that run now. */
  readonly running = new Set<string>()
  mostAtOnce = 0
  at: (object: string, moment: Moment) => Promise<void> | void = () => undefined

  constructor() {
    super()
    this.capabilities = { ...new MemoryBackend().capabilities, writesAhead: true }
  }

  override async put(key: string, source: PutSource, options: PutOptions = {}): Promise<PutResult> {
    const { beforeVisible, onVisible, ...others } = options
    return this.#pass(key, beforeVisible, async () => {
      const result = await super.put(key, source, others)
      return { result, report: () => onVisible?.(result) }
    })
  }

  override async commit(key: string, body: Uint8Array, options: CommitOptions = {}) {
    const { beforeVisible, ...others } = options
    return this.#pass(key, beforeVisible, async () => ({
      result: await super.commit(key, body, others),
      report: () => undefined,
    }))
  }

  async #pass<Result>(
    key: string,
    beforeVisible: (() => Promise<void>) | undefined,
    store: () => Promise<{ readonly result: Result; readonly report: () => void }>,
  ): Promise<Result> {
    const object = key.startsWith('catalog/') ? 'version' : (key.split('/').at(-1) ?? '')
    this.running.add(key)
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running.size)
    try {
      await this.#moment(object, 'begins')
      await beforeVisible?.()
      const { result, report } = await store()
      this.log.push(`${object} is visible`)
      report()
      await this.at(object, 'is visible')
      await this.#moment(object, 'is durable')
      return result
    } finally {
      this.running.delete(key)
    }
  }

  async #moment(object: string, moment: Moment): Promise<void> {
    await this.at(object, moment)
    this.log.push(`${object} ${moment}`)
  }
}

/** Opens a store with one checkpoint, and forgets how it was saved. */
async function begun() {
  const backend = new AheadBackend()
  const store = storeOn(backend)
  await store.save({ step: 1, files: { a: bytes } })
  await store.flush()
  backend.log.length = 0
  return { backend, store, before: await keysOf(backend) }
}

function failure(what: string): HoldfastError {
  return new HoldfastError('PERMISSION_DENIED', what)
}

describe('a save on a backend that writes ahead', () => {
  test('writes each object while the one before becomes durable, and shows it only afterwards', async () => {
    const { backend, store } = await begun()
    const manifestBegan = Promise.withResolvers<undefined>()
    const versionBegan = Promise.withResolvers<undefined>()
    backend.at = (object, moment) => {
      if (moment === 'begins' && object === 'manifest.json') manifestBegan.resolve(undefined)
      if (moment === 'begins' && object === 'version') versionBegan.resolve(undefined)
      if (moment === 'is visible' && object === 'a') return manifestBegan.promise
      if (moment === 'is visible' && object === 'manifest.json') return versionBegan.promise
      return undefined
    }
    await store.save({ step: 2, files: { a: bytes } })
    const order = (line: string): number => backend.log.indexOf(line)
    expect(backend.log.toSorted()).toEqual([
      'a begins',
      'a is durable',
      'a is visible',
      'manifest.json begins',
      'manifest.json is durable',
      'manifest.json is visible',
      'version begins',
      'version is durable',
      'version is visible',
    ])
    expect(order('manifest.json begins')).toBeLessThan(order('a is durable'))
    expect(order('a is durable')).toBeLessThan(order('manifest.json is visible'))
    expect(order('version begins')).toBeLessThan(order('manifest.json is durable'))
    expect(order('manifest.json is durable')).toBeLessThan(order('version is visible'))
    expect((await store.verify()).good).toBe(true)
  })

  test('begins the manifest when all of many files are visible, and stores no more files at once than before', async () => {
    const { backend, store } = await begun()
    const files = Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`file-${number}`, bytes]))
    backend.mostAtOnce = 0
    backend.at = async () => {
      await nextTurn()
    }
    await store.save({ step: 2, files })
    const began = backend.log.indexOf('manifest.json begins')
    const visible = backend.log.slice(0, began).filter((line) => line.endsWith('is visible'))
    expect(visible).toHaveLength(300)
    expect(backend.mostAtOnce).toBeGreaterThan(1)
    expect(backend.mostAtOnce).toBeLessThanOrEqual(backend.capabilities.smallObjectsAtOnce + 1)
    expect((await store.verify()).good).toBe(true)
  })

  test('calls beforeCommit when every file is durable and the manifest has not begun', async () => {
    const { backend, store } = await begun()
    let seen: readonly string[] = []
    await store.save({
      step: 2,
      files: { a: bytes },
      beforeCommit: async () => {
        seen = [...backend.log]
      },
    })
    expect(seen).toEqual(['a begins', 'a is visible', 'a is durable'])
  })

  test.each([
    ['a', 'begins'],
    ['a', 'is durable'],
    ['manifest.json', 'begins'],
    ['manifest.json', 'is durable'],
    ['version', 'begins'],
  ] as const)('fails with the first failure, and leaves nothing: %s %s', async (failing, when) => {
    const { backend, store, before } = await begun()
    const error = failure(`${failing} cannot be stored`)
    let failed = false
    backend.at = async (object, moment) => {
      for (let turns = 0; turns < 3; turns += 1) await nextTurn()
      if (failed || object !== failing || moment !== when) return
      failed = true
      throw error
    }
    await expect(store.save({ step: 2, files: { a: bytes } })).rejects.toBe(error)
    expect([...backend.running]).toEqual([])
    expect((await keysOf(backend, 'data/')).toSorted()).toEqual(
      before.filter((key) => key.startsWith('data/')),
    )
    backend.at = () => undefined
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
    await store.save({ step: 2, files: { a: bytes } })
    expect((await store.verify()).good).toBe(true)
  })

  test('waits for its files if the manifest cannot be written, and reports the first failure', async () => {
    const { backend, store } = await begun()
    const slow = Promise.withResolvers<undefined>()
    backend.at = async (object, moment) => {
      if (object === 'manifest.json' && moment === 'begins') throw failure('the manifest')
      if (object === 'a' && moment === 'is visible') await slow.promise
    }
    let isSettled = false
    const saving = store.save({ step: 2, files: { a: bytes } })
    const settled = Promise.allSettled([saving]).then(() => {
      isSettled = true
    })
    for (let turns = 0; turns < 20; turns += 1) await nextTurn()
    expect(isSettled).toBe(false)
    slow.reject(failure('the file'))
    await settled
    await expect(saving).rejects.toThrow('the file')
    expect([...backend.running]).toEqual([])
  })

  test.each([
    ['a', 'is visible'],
    ['manifest.json', 'is visible'],
  ] as const)('commits nothing if it is aborted when %s %s', async (object, moment) => {
    const { backend, store } = await begun()
    const stop = new AbortController()
    backend.at = async (each, when) => {
      if (each !== object || when !== moment) return
      for (let turns = 0; turns < 20; turns += 1) await nextTurn() // the next object waits by now
      stop.abort()
    }
    expect(await codeOf(store.save({ step: 2, files: { a: bytes }, signal: stop.signal }))).toBe('ABORTED')
    // The attempt is discarded in the background.
    expect([...backend.running].filter((key) => key.startsWith('data/'))).toEqual([])
    await store.flush()
    expect((await store.list()).map(({ step }) => step)).toEqual([1])
    expect((await keysOf(backend, 'data/')).filter((key) => key.startsWith('data/2-'))).toEqual([])
  })

  test('commits the next version if another writer creates its version in the meantime', async () => {
    const backend = new AheadBackend()
    const store = storeOn(backend, { mode: 'shared' })
    const other = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 1, files: { a: bytes } })
    await other.list()
    let isFirst = true
    backend.at = async (object, moment) => {
      if (!isFirst || object !== 'manifest.json' || moment !== 'is visible') return
      isFirst = false
      await other.pin(1)
    }
    await store.save({ step: 2, files: { a: bytes } })
    expect((await other.list()).map(({ step, pinned }) => [step, pinned !== undefined])).toEqual([
      [1, true],
      [2, false],
    ])
  })

  test('is fenced if another writer takes over while the manifest becomes durable', async () => {
    const { backend, store } = await begun()
    const other = storeOn(backend)
    let isFirst = true
    backend.at = async (object, moment) => {
      if (!isFirst || object !== 'manifest.json' || moment !== 'is visible') return
      isFirst = false
      await other.pin(1)
    }
    expect(await codeOf(store.save({ step: 2, files: { a: bytes } }))).toBe('FENCED')
    expect((await other.list()).map(({ step }) => step)).toEqual([1])
  })

  test('succeeds if the response to its commit is lost, and is unknown if the version cannot be read', async () => {
    for (const readable of [true, false]) {
      const { backend, store } = await begun()
      let lost = readable ? 1 : Infinity
      backend.at = (object, moment) => {
        if (object !== 'version' || moment !== 'is durable' || lost === 0) return
        lost -= 1
        throw new HoldfastError('OUTCOME_UNKNOWN', 'the response was lost')
      }
      if (!readable)
        backend.read = () => Promise.reject(new HoldfastError('UNAVAILABLE', 'it cannot be read'))
      expect(await codeOf(store.save({ step: 2, files: { a: bytes } }))).toBe(
        readable ? 'no error' : 'OUTCOME_UNKNOWN',
      )
    }
  })

  test('keeps the order of saves that overlap', async () => {
    const { backend, store } = await begun()
    backend.at = async () => {
      await nextTurn()
    }
    await Promise.all([2, 3, 4, 5].map((step) => store.save({ step, files: { a: bytes } })))
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5])
    expect((await store.verify()).good).toBe(true)
  })
})
