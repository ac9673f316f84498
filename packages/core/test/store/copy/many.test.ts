import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { copyCheckpoints, MemoryBackend } from '../../../src/index.ts'
import { mayCopyAtOnce } from '../../../src/store/copy/copies-at-once.ts'
import { codeOf, FaultyBackend, keysOf, storeOn } from '../../stores.ts'
import { copied, inWords, newStore, stepsOf, storeWith } from './copies.ts'

/** The number of calls of each kind that the backend got. */
function countsOf({ calls }: FaultyBackend): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const call of calls) {
    const [method = ''] = call.split(' ')
    counts[method] = (counts[method] ?? 0) + 1
  }
  return counts
}

/** Copies checkpoints of two files each into a new store, and returns the calls that reached it. */
async function callsOfCopying(checkpoints: number): Promise<Readonly<Record<string, number>>> {
  const from = await storeWith(...Array.from({ length: checkpoints }, (_, step) => step))
  const backend = new FaultyBackend()
  const to = storeOn(backend, { mode: 'shared' })
  await copyCheckpoints(from, to)
  await to.flush()
  const counts = countsOf(backend)
  expect(await keysOf(backend, 'agreements/')).toEqual([])
  return counts
}

/** Lets the files of one step wait until the manifest of another one is stored. */
class Waiting extends MemoryBackend {
  readonly #stored = Promise.withResolvers<undefined>()
  readonly #first: number
  readonly #second: number

  constructor(first: number, second: number) {
    super()
    this.#first = first
    this.#second = second
  }

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    if (parameters[0].startsWith(`data/${this.#second}-`)) await this.#stored.promise
    return super.put(...parameters)
  }

  override async commit(...parameters: Parameters<MemoryBackend['commit']>) {
    const outcome = await super.commit(...parameters)
    if (parameters[0].startsWith(`data/${this.#first}-`)) this.#stored.resolve(undefined)
    return outcome
  }
}

/** A backend that takes six small objects at once, and counts how many files it gets at once. */
class Counting extends MemoryBackend {
  override readonly capabilities = { ...new MemoryBackend().capabilities, smallObjectsAtOnce: 6 }
  most = 0
  #now = 0

  override async put(...parameters: Parameters<MemoryBackend['put']>) {
    this.#now += 1
    this.most = Math.max(this.most, this.#now)
    await setImmediate() // other puts may begin meanwhile
    try {
      return await super.put(...parameters)
    } finally {
      this.#now -= 1
    }
  }
}

describe('copies of many small checkpoints', () => {
  test('commit in the order of the saves, whichever is stored first', async () => {
    const from = await storeWith(3, 1, 2)
    const to = storeOn(new Waiting(2, 3), { mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes.map(inWords)).toEqual(['copied 3', 'copied 1', 'copied 2'])
    const saves = (await to.history()).map(({ did }) => did).filter((did) => did.startsWith('save'))
    expect(saves).toEqual(['save 3', 'save 1', 'save 2'])
    expect((await to.verify()).good).toBe(true)
  })

  test('send a few small requests for each checkpoint beside those for its files', async () => {
    const [few, many] = [await callsOfCopying(10), await callsOfCopying(30)]
    const perCheckpoint = Object.fromEntries(
      Object.entries(many).map(([method, count]) => [method, (count - (few[method] ?? 0)) / 20]),
    )
    // The agreement, the manifest and the version of the catalog, and a look at the catalog after the commit. Beside them is
    // the stat of the manifest, which `FaultyBackend` does not record.
    expect(perCheckpoint).toEqual({ commit: 3, list: 1, put: 2, read: 0, delete: 0 })
  })

  test('keep those before a failure, and continue with the next call', async () => {
    const from = await storeWith(1, 2, 3, 4, 5)
    const backend = new FaultyBackend()
    const to = storeOn(backend, { mode: 'shared' })
    backend.intercept = (method, key) =>
      method === 'put' && key.startsWith('data/3-') ? 'fail before' : 'pass'
    expect(await codeOf(copyCheckpoints(from, to))).toBe('UNAVAILABLE')
    expect(await stepsOf(to)).toEqual([1, 2])
    backend.intercept = () => 'pass'
    expect(await copied(from, to)).toEqual(['there 1', 'there 2', 'copied 3', 'copied 4', 'copied 5'])
    await to.flush()
    expect(await keysOf(backend, 'agreements/')).toEqual([])
    expect((await to.verify()).good).toBe(true)
  })

  test('send no more files at once than one copy', async () => {
    const from = newStore()
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, file) => [String(file), Buffer.from(`file ${file}`)]),
    )
    for (let step = 0; step < 8; step += 1) await from.save({ step, files })
    const backend = new Counting()
    const to = storeOn(backend, { mode: 'shared' })
    const { outcomes } = await copyCheckpoints(from, to)
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from({ length: 8 }, () => 'copied'))
    expect(backend.most).toBe(6)
    expect((await to.verify()).good).toBe(true)
  })

  test.each([
    ['small ones', 'unbounded', [2 ** 20, 2 ** 20], 2 ** 20, true],
    ['more than fit into the memory for them', 'unbounded', [8 * 2 ** 20, 8 * 2 ** 20], 1, false],
    ['more than eight', 'unbounded', [1, 1, 1, 1, 1, 1, 1, 1], 1, false],
    ['a store whose space is limited', 'measured', [1], 1, false],
  ] as const)(
    'are stored at once, as far as that is sensible: %s',
    (_, freeSpace, running, next, isAllowed) => {
      expect(mayCopyAtOnce({ freeSpace }, running, next)).toBe(isAllowed)
    },
  )
})
