import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BatchSampler,
  type BatchOptions,
  DataLoader,
  type IndexedSource,
  type SampleContext,
  SeededRandom,
} from '../../src/data.ts'
import { codeOf } from '../stores.ts'

/** A source whose samples are their own indices. Each takes a random time, so they arrive out of order. */
class Jumbled implements IndexedSource<number> {
  readonly length: number
  readonly #random: SeededRandom
  under = 0
  mostUnder = 0
  asked = 0

  constructor(length: number, seed = 0) {
    this.length = length
    this.#random = new SeededRandom(seed)
  }

  async get(index: number): Promise<number> {
    this.asked += 1
    this.under += 1
    this.mostUnder = Math.max(this.mostUnder, this.under)
    for (let turns = this.#random.below(6); turns > 0; turns -= 1) await turnOfTheLoop()
    this.under -= 1
    return index
  }
}

function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

async function everything<Sample>(loader: DataLoader<Sample>): Promise<readonly (readonly Sample[])[]> {
  return Array.fromAsync(loader)
}

/** Receives some batches, then leaves the loop. */
async function receive<Sample>(loader: DataLoader<Sample>, batches: number): Promise<readonly Sample[]> {
  const received: Sample[] = []
  let left = batches
  if (left === 0) return received
  for await (const batch of loader) {
    received.push(...batch)
    left -= 1
    if (left === 0) break
  }
  return received
}

const ahead = { prefetch: fc.nat(4), concurrency: fc.integer({ min: 1, max: 9 }) }

describe('fetching ahead', () => {
  test('yields the batches of the sampler in its order, whatever prefetch and concurrency are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 80 }),
        fc.record(ahead),
        fc.nat(),
        async (length, how, seed) => {
          const options = { order: 'shuffled', seed, batchSize: 7 } as const
          const batches = await everything(new DataLoader(new Jumbled(length, seed), { ...options, ...how }))
          expect(batches).toEqual([...new BatchSampler({ ...options, samples: length })])
        },
      ),
    )
  })

  test('delivers each sample exactly once if stopped anywhere and resumed on any number of workers', async () => {
    const shift = fc.record({
      worldSize: fc.integer({ min: 1, max: 4 }),
      batchSize: fc.integer({ min: 1, max: 6 }),
      batches: fc.nat(6),
      ...ahead,
    })
    const epochs = 2
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.nat(),
        fc.constantFrom('indexed', 'stream', 'resumable'),
        fc.array(shift, { maxLength: 5 }),
        shift,
        async (length, seed, kind, before, last) => {
          const delivered: number[][] = [[], []]
          let state: unknown
          for (const { worldSize, batchSize, batches, prefetch, concurrency } of [
            ...before,
            { ...last, batches: Infinity },
          ]) {
            const workers = Array.from({ length: worldSize }, (_, rank) => {
              const options: BatchOptions & { prefetch: number } = { batchSize, worldSize, rank, prefetch }
              const loader =
                kind === 'indexed'
                  ? new DataLoader(new Jumbled(length, seed), {
                      ...options,
                      order: 'shuffled',
                      seed,
                      concurrency,
                    })
                  : new DataLoader(kind === 'stream' ? new Rows(length) : new ResumableRows(length), {
                      ...options,
                      lastBatch: 'short',
                    })
              if (state !== undefined) loader.loadStateDict(JSON.parse(JSON.stringify(state)))
              return loader
            })
            const [first] = workers
            let left = batches
            for (let epoch = first?.epoch ?? 0; epoch < epochs && left > 0; epoch += 1) {
              const iterators = workers.map((worker) => worker[Symbol.asyncIterator]())
              for (; left > 0; left -= 1) {
                const turns = await Promise.all(iterators.map((iterator) => iterator.next()))
                const step = turns.flatMap((turn) => (turn.done === true ? [] : [turn.value]))
                expect([0, worldSize]).toContain(step.length)
                if (step.length === 0) break
                delivered[epoch]?.push(...step.flat())
                expect(new Set(workers.map((worker) => JSON.stringify(worker.stateDict()))).size).toBe(1)
              }
              await Promise.all(iterators.map((iterator) => iterator.return()))
            }
            state = first?.stateDict()
          }
          const all = Array.from({ length }, (_, index) => index)
          for (const epoch of delivered) expect(epoch.toSorted((one, other) => one - other)).toEqual(all)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('continues after the last received batch when the loop is left and entered again', async () => {
    const loader = new DataLoader(new Jumbled(20), { order: 'sequential', batchSize: 3, prefetch: 4 })
    expect(await receive(loader, 2)).toEqual([0, 1, 2, 3, 4, 5])
    expect(await receive(loader, 1)).toEqual([6, 7, 8])
    expect((await everything(loader)).flat()).toEqual([9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
    expect(loader.stateDict()).toMatchObject({ epoch: 1, position: 0 })
  })

  test('fetches at most `concurrency` samples at once and `prefetch` batches ahead', async () => {
    const source = new Jumbled(100)
    const loader = new DataLoader(source, { order: 'sequential', batchSize: 5, prefetch: 2, concurrency: 4 })
    let received = 0
    for await (const batch of loader) {
      received += batch.length
      for (let turns = 0; turns < 100; turns += 1) await turnOfTheLoop()
      expect(source.asked).toBe(Math.min(100, received + 10))
    }
    expect(source.mostUnder).toBe(4)
  })

  test('fetches only requested batches if prefetch is 0', async () => {
    const source = new Jumbled(100)
    await receive(new DataLoader(source, { order: 'sequential', batchSize: 5, prefetch: 0 }), 2)
    expect(source.asked).toBe(10)
  })

  test('stops fetching when the loop is left', async () => {
    const source = new Jumbled(100)
    await receive(
      new DataLoader(source, { order: 'sequential', batchSize: 5, prefetch: 4, concurrency: 3 }),
      1,
    )
    const { asked, under } = source
    for (let turns = 0; turns < 20; turns += 1) await turnOfTheLoop()
    expect([source.asked, under]).toEqual([asked, 0])
  })
})

describe('a loader whose source fails', () => {
  test('throws the error in place of the batch, and fetches that batch again in the next iteration', async () => {
    let broken = true
    const source: IndexedSource<number> = {
      length: 12,
      get: (index) => {
        if (index === 7 && broken) throw new Error('disk on fire')
        return index
      },
    }
    const loader = new DataLoader(source, { order: 'sequential', batchSize: 3, prefetch: 3 })
    const received: number[] = []
    const reading = (async () => {
      for await (const batch of loader) received.push(...batch)
    })()
    await expect(reading).rejects.toThrow('disk on fire')
    expect(received).toEqual([0, 1, 2, 3, 4, 5])
    expect(loader.stateDict()).toMatchObject({ epoch: 0, position: 6 })
    broken = false
    expect((await everything(loader)).flat()).toEqual([6, 7, 8, 9, 10, 11])
  })

  test('ignores errors of batches that are no longer awaited', async () => {
    const source: IndexedSource<number> = {
      length: 12,
      get: async (index) => {
        await turnOfTheLoop()
        if (index > 3) throw new Error('disk on fire')
        return index
      },
    }
    expect(
      await receive(new DataLoader(source, { order: 'sequential', batchSize: 2, prefetch: 4 }), 1),
    ).toEqual([0, 1])
    await turnOfTheLoop() // an unhandled rejection would fail the run
  })

  test('treats a missing array element as an error', async () => {
    const loader = new DataLoader({ length: 2, 0: 'a' }, { order: 'sequential', batchSize: 1, prefetch: 0 })
    expect(await receive(loader, 1)).toEqual(['a'])
    await expect(everything(loader)).rejects.toThrow(
      'The source has no sample at index 1, although its length is 2',
    )
  })
})

describe('an abort signal', () => {
  test('ends the iteration with ABORTED and aborts the running fetches', async () => {
    const stop = new AbortController()
    const told: number[] = []
    const source: IndexedSource<number> = {
      length: 100,
      get: (index, { signal }) =>
        index < 4
          ? index
          : new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                told.push(index)
                reject(new Error('stopped'))
              })
            }),
    }
    const loader = new DataLoader(source, {
      order: 'sequential',
      batchSize: 2,
      concurrency: 3,
      signal: stop.signal,
    })
    const received: number[] = []
    const reading = (async () => {
      for await (const batch of loader) {
        received.push(...batch)
        if (received.length === 4)
          setImmediate(() => {
            stop.abort()
          })
      }
    })()
    expect(await codeOf(reading)).toBe('ABORTED')
    expect(received).toEqual([0, 1, 2, 3])
    expect(told).toEqual([4, 5, 6])
    expect(loader.position).toBe(4)
    expect(await codeOf(everything(loader))).toBe('ABORTED')
  })

  test('ends the wait for a stream that hangs, as leaving the loop does', async () => {
    const stop = new AbortController()
    const hanging = async function* () {
      yield 1
      yield 2
      await new Promise(() => undefined)
    }
    const loader = new DataLoader(hanging, { batchSize: 1, prefetch: 2, signal: stop.signal })
    expect(await receive(loader, 1)).toEqual([1])
    expect(await receive(loader, 1)).toEqual([2])
    const reading = everything(loader)
    setImmediate(() => {
      stop.abort()
    })
    expect(await codeOf(reading)).toBe('ABORTED')
  })
})

describe('random numbers', () => {
  const augmented = (_: number, { epoch, position, random }: SampleContext): string =>
    `${epoch}/${position}: ${random.uint32()} ${random.uint32()}`

  test('of a sample depend on its position alone, not on who fetches it or when', async () => {
    const draw = async (options: {
      prefetch: number
      concurrency: number
      worldSize: number
      cut: number
    }) => {
      const { cut, worldSize, ...how } = options
      const drawn: string[] = []
      for (let rank = 0; rank < worldSize; rank += 1) {
        const fresh = () =>
          new DataLoader(
            { length: 24, get: augmented },
            { order: 'shuffled', seed: 9, batchSize: 2, worldSize, rank, ...how },
          )
        const before = fresh()
        drawn.push(...(await receive(before, cut)))
        const after = fresh()
        after.loadStateDict(before.stateDict())
        drawn.push(...(await everything(after)).flat())
      }
      return drawn.toSorted()
    }
    const expected = await draw({ prefetch: 0, concurrency: 1, worldSize: 1, cut: 0 })
    expect(new Set(expected).size).toBe(24)
    expect(await draw({ prefetch: 3, concurrency: 8, worldSize: 1, cut: 5 })).toEqual(expected)
    expect(await draw({ prefetch: 1, concurrency: 2, worldSize: 3, cut: 2 })).toEqual(expected)
  })

  test('of a sample that `wrap` repeats are the same both times', async () => {
    const loader = new DataLoader(
      { length: 5, get: augmented },
      { order: 'shuffled', seed: 9, batchSize: 8, lastBatch: 'wrap' },
    )
    const [batch = []] = await everything(loader)
    expect(batch.slice(5)).toEqual(batch.slice(0, 3))
  })

  test('of the loop start from the seed', () => {
    const loader = new DataLoader([1, 2, 3], { order: 'shuffled', seed: 3, batchSize: 1 })
    expect(loader.random.stateDict()).toEqual(new SeededRandom(3).stateDict())
    const stream = new DataLoader(new Rows(3), { batchSize: 1 })
    expect(stream.random.stateDict()).toEqual(new SeededRandom(0).stateDict())
  })

  test('of the loop continue after a resume as if it had not been interrupted', async () => {
    const fresh = () => new DataLoader(new Jumbled(30), { order: 'shuffled', seed: 3, batchSize: 4 })
    const train = async (loader: DataLoader<number>, batches: number): Promise<readonly string[]> => {
      const trained: string[] = []
      let left = batches
      for await (const batch of loader) {
        trained.push(`${batch.join()} with ${loader.random.next()}`)
        left -= 1
        if (left === 0) break
      }
      return trained
    }
    const whole = await train(fresh(), Infinity)
    const before = fresh()
    const trained = await train(before, 3)
    const state = before.stateDict()
    await train(before, 2) // this loader is then discarded, as in a crash: its draws since the state are lost
    const after = fresh()
    after.loadStateDict(JSON.parse(JSON.stringify(state)))
    expect([...trained, ...(await train(after, Infinity))]).toEqual(whole)
  })

  test('of the loop start from the seed if the state has no generator, such as a state that Python wrote', () => {
    const loader = new DataLoader([1, 2, 3], { order: 'shuffled', seed: 3, batchSize: 1 })
    loader.random.next()
    const { random: _, ...state } = loader.stateDict()
    loader.loadStateDict(state)
    expect(loader.random.stateDict()).toEqual(new SeededRandom(3).stateDict())
  })
})

/** A stream that counts the rows that it yielded and the iterations that ended. */
class Rows implements AsyncIterable<number> {
  readonly rows: number
  given = 0
  ended = 0

  constructor(rows: number) {
    this.rows = rows
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    try {
      for (let row = 0; row < this.rows; row += 1) {
        this.given += 1
        yield row
      }
    } finally {
      this.ended += 1
    }
  }
}

/** A stream that can save its position. `stateDict` returns an object that the stream keeps changing. */
class ResumableRows implements Iterable<number> {
  readonly rows: number
  readonly #state = { row: 0 }
  #isLoaded = false
  given = 0

  constructor(rows: number) {
    this.rows = rows
  }

  *[Symbol.iterator](): Generator<number> {
    if (!this.#isLoaded) this.#state.row = 0
    this.#isLoaded = false
    while (this.#state.row < this.rows) {
      this.given += 1
      this.#state.row += 1
      yield this.#state.row - 1
    }
  }

  stateDict() {
    return this.#state
  }

  loadStateDict(state: unknown): void {
    this.#state.row = (state as { row: number }).row
    this.#isLoaded = true
  }
}

describe('a stream', () => {
  test('is read again from its beginning, and delivered samples are skipped', async () => {
    const before = new DataLoader(new Rows(20), { batchSize: 3, prefetch: 3 })
    await receive(before, 3)
    const state = before.stateDict()
    expect(state).toMatchObject({ kind: 'stream', epoch: 0, position: 9 })
    expect(state).not.toHaveProperty('source')
    const rows = new Rows(20)
    const after = new DataLoader(rows, { batchSize: 4 })
    after.loadStateDict(state)
    expect(await everything(after)).toEqual([
      [9, 10, 11, 12],
      [13, 14, 15, 16],
      [17, 18, 19],
    ])
    expect(rows.given).toBe(20)
    expect((await everything(after)).flat().length).toBe(20)
  })

  test('with a state of its own resumes after the last delivered sample, not after the last one read', async () => {
    const source = new ResumableRows(20)
    const before = new DataLoader(source, { batchSize: 3, prefetch: 3 })
    await receive(before, 2)
    expect(source.given).toBeGreaterThan(6)
    const state = before.stateDict()
    expect(state).toMatchObject({ position: 6, source: { row: 6 } })
    const rows = new ResumableRows(20)
    const after = new DataLoader(rows, { batchSize: 7 })
    after.loadStateDict(state)
    expect(await everything(after)).toEqual([
      [6, 7, 8, 9, 10, 11, 12],
      [13, 14, 15, 16, 17, 18, 19],
    ])
    expect(rows.given).toBe(14)
    expect(after.stateDict()).toMatchObject({ epoch: 1, position: 0 })
    expect((await everything(after)).flat().length).toBe(20)
  })

  test('that cannot load its saved state is read again from its beginning', async () => {
    const before = new DataLoader(new ResumableRows(10), { batchSize: 3 })
    await receive(before, 2)
    const after = new DataLoader(new Rows(10), { batchSize: 3 })
    after.loadStateDict(before.stateDict())
    expect((await everything(after)).flat()).toEqual([6, 7, 8, 9])
  })

  test('is created for each epoch by a function, which may be asynchronous', async () => {
    const made: number[] = []
    const loader = new DataLoader(
      async (epoch) => {
        await turnOfTheLoop()
        made.push(epoch)
        return [0, 1, 2, 3, 4].map((row) => epoch * 10 + row)
      },
      { batchSize: 2 },
    )
    expect(await receive(loader, 1)).toEqual([0, 1])
    expect((await everything(loader)).flat()).toEqual([2, 3, 4])
    expect((await everything(loader)).flat()).toEqual([10, 11, 12, 13, 14])
    expect(made).toEqual([0, 0, 1])
  })

  test('is divided among workers, each of which reads the whole stream', async () => {
    const shares = await Promise.all(
      [0, 1, 2].map((rank) => everything(new DataLoader(new Rows(8), { batchSize: 2, worldSize: 3, rank }))),
    )
    expect(shares).toEqual([
      [[0, 3], [6]],
      [[1, 4], [7]],
      [[2, 5], []],
    ])
  })

  test('that ended with a full batch resumes with an empty rest, then the next epoch', async () => {
    const before = new DataLoader(new Rows(6), { batchSize: 3 })
    await receive(before, 2)
    const after = new DataLoader(new Rows(6), { batchSize: 3 })
    after.loadStateDict(before.stateDict())
    expect(await everything(after)).toEqual([])
    expect(after.stateDict()).toMatchObject({ epoch: 1, position: 0 })
    expect((await everything(after)).flat()).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('loses its last samples with `drop`', async () => {
    const loader = new DataLoader(new Rows(8), { batchSize: 3, lastBatch: 'drop' })
    expect(await everything(loader)).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(loader.epoch).toBe(1)
  })

  test('is closed when the loop is left', async () => {
    const rows = new Rows(100)
    await receive(new DataLoader(rows, { batchSize: 2, prefetch: 1 }), 1)
    await turnOfTheLoop()
    expect(rows.ended).toBe(1)
  })

  test('that fails throws its error after the samples before it', async () => {
    const failing = async function* () {
      yield* [0, 1, 2]
      throw new Error('connection lost')
    }
    const loader = new DataLoader(failing, { batchSize: 2 })
    expect(await receive(loader, 1)).toEqual([0, 1])
    await expect(everything(loader)).rejects.toThrow('connection lost')
    expect(loader.position).toBe(2)
  })

  test('that can be read only once gets an error that explains the remedy', async () => {
    const once = new Rows(6)[Symbol.asyncIterator]()
    const loader = new DataLoader(once, { batchSize: 2 })
    expect((await everything(loader)).flat().length).toBe(6)
    await expect(everything(loader)).rejects.toThrow(
      'pass a function that creates a new stream for each epoch',
    )
    const shorter = new DataLoader(new Rows(3), { batchSize: 2 })
    shorter.loadStateDict({ ...shorter.stateDict(), position: 4 })
    await expect(everything(shorter)).rejects.toThrow(
      'ended after 3 samples, but 4 samples of epoch 0 were already delivered',
    )
  })

  test('throws if `drop` would drop every sample', async () => {
    const loader = new DataLoader(new Rows(2), { batchSize: 3, lastBatch: 'drop' })
    await expect(everything(loader)).rejects.toThrow('All 2 samples of epoch 0 would be dropped')
  })
})

test('an iteration throws if the position is moved meanwhile', async () => {
  const loader = new DataLoader(new Jumbled(9), { order: 'sequential', batchSize: 3 })
  const state = loader.stateDict()
  const reading = (async () => {
    for await (const _ of loader) loader.loadStateDict(state)
  })()
  await expect(reading).rejects.toThrow('The iteration cannot continue')
})

test.each([
  [[1, 2], { batchSize: 1 }, 'order is required'],
  [[1, 2], { order: 'shuffled', batchSize: 1, prefetch: -1 }, 'prefetch must be a whole number from 0'],
  [[1, 2], { order: 'shuffled', batchSize: 1, concurrency: 0 }, 'concurrency must be a whole number from 1'],
  [[1, 2], { order: 'shuffled', batchSize: 1, workers: 2 }, 'A loader has no option "workers"'],
  [[1, 2], { order: 'shuffled', batchSize: 3, lastBatch: 'drop' }, 'All 2 samples would be dropped'],
  [[], { order: 'shuffled', batchSize: 1 }, 'The number of samples'],
  [new Rows(3), { batchSize: 1, order: 'shuffled' }, 'A loader of a stream has no option "order"'],
  [new Rows(3), { batchSize: 1, lastBatch: 'wrap' }, "lastBatch must be 'short' or 'drop' for a stream"],
  [new Rows(3), { batchSize: 1, seed: -2 }, 'seed must be'],
])('refuses a loader of %j with %j', (source, options, message) => {
  expect(() => new DataLoader(source as never, options as never)).toThrow(message)
})
