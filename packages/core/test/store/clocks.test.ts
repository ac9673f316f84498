import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CheckpointStore,
  MemoryBackend,
  type RetentionOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { type BackendCapabilities } from '../../src/backend.ts'
import { storeOn } from '../stores.ts'

const files = { a: Buffer.from('x') }
const hour = 3_600_000
const day = 24 * hour
const year = 365 * day

/** A store for which the test sets the clocks of the store and of this machine. */
class Clocks {
  store = Date.UTC(2026, 0, 1)
  /** The milliseconds by which the clock of this machine is ahead of the clock of the store. */
  ahead = 0
  readonly doubts: string[] = []
  readonly backend: MemoryBackend

  constructor(isLocal = false) {
    this.backend = new MemoryBackend('mem:', () => new Date(this.store))
    if (isLocal) {
      const capabilities: BackendCapabilities = { ...this.backend.capabilities, localRoot: '/mem' }
      Object.defineProperty(this.backend, 'capabilities', { value: capabilities })
    }
  }

  open(retention: RetentionOptions): CheckpointStore {
    const now = (): Date => new Date(this.store + this.ahead)
    const store = storeOn(this.backend, { mode: 'shared', retention }, { ...systemEnvironment, now })
    store.on('clockDoubted', ({ reason }) => this.doubts.push(reason))
    return store
  }

  async save(step: number, retention: RetentionOptions): Promise<readonly number[]> {
    const { dropped } = await this.open(retention).save({ step, files })
    return dropped.map((drop) => drop.step)
  }
}

async function stepsIn(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

describe('retention by age', () => {
  test('drops checkpoints that are old by both clocks', async () => {
    const clocks = new Clocks()
    for (let step = 1; step <= 4; step += 1) {
      await clocks.save(step, { keepWithin: '2 d' })
      clocks.store += day
    }
    expect(await clocks.save(5, { keepWithin: '2 d' })).toEqual([3])
    expect(clocks.doubts).toEqual([])
  })

  test.each([3 * day, -3 * day, 3 * year, -3 * year])(
    'drops nothing younger by the store, with a clock off by %d ms',
    async (ahead) => {
      const retention: RetentionOptions = { keepWithin: '2 d', keepUnscored: '1 h' }
      const clocks = new Clocks()
      for (const step of [1, 2, 3]) await clocks.save(step, retention)
      clocks.ahead = ahead
      expect(await clocks.save(4, retention)).toEqual([])
      expect((await clocks.open(retention).prune()).dropped).toEqual([])
      clocks.ahead = 0
      expect(await clocks.save(5, retention)).toEqual([])
      expect(clocks.doubts[0]).toMatch(/^The clock of this machine is .* the store's\.$/)
    },
  )

  test('keeps checkpoints that are young by the clock of the store, whatever the clocks of writers show', async () => {
    const saves = fc.array(
      fc.record({ ahead: fc.integer({ min: -3 * year, max: 3 * year }), pause: fc.nat(3 * hour) }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(saves, async (all) => {
        const clocks = new Clocks()
        for (const [step, { ahead, pause }] of all.entries()) {
          clocks.ahead = ahead
          clocks.store += pause
          expect(await clocks.save(step, { keepWithin: '1 d' })).toEqual([])
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('calendar slots', () => {
  test('ignore checkpoints dated in the future, which are kept and reported', async () => {
    const clocks = new Clocks()
    clocks.ahead = 20 * year
    for (const step of [1, 2, 3]) {
      await clocks.save(step, { keepDaily: 2 })
      clocks.store += day
    }
    clocks.ahead = 0
    for (const step of [11, 12, 13]) {
      await clocks.save(step, { keepDaily: 2 })
      clocks.store += day
    }
    expect(await stepsIn(clocks.open({}))).toEqual([2, 3, 12, 13])
    expect(clocks.doubts).toContain('Steps 2, 3 are dated in the future.')
  })
})

describe('on a disk, whose clock is that of the machine', () => {
  const retention: RetentionOptions = { keepWithin: '2 d' }

  test('drops nothing after a jump ahead, neither at once nor later', async () => {
    const clocks = new Clocks(true)
    for (const step of [1, 2, 3]) {
      await clocks.save(step, retention)
      clocks.store += hour
    }
    clocks.store += 50 * year
    for (const step of [4, 5, 6]) {
      expect(await clocks.save(step, retention)).toEqual([])
      clocks.store += hour
    }
    expect(clocks.doubts[0]).toMatch(/^The clock seems to have jumped by .* before step 4\.$/)
    clocks.store += 45 * hour
    expect(await clocks.save(7, retention)).toEqual([1, 2, 3, 4])
  })

  test('keeps earlier checkpoints for one more save after a pause that looks like a jump', async () => {
    const clocks = new Clocks(true)
    const listed: (readonly number[])[] = []
    for (const step of [1, 2, 3, 4, 5]) {
      await clocks.save(step, retention)
      listed.push(await stepsIn(clocks.open({})))
      clocks.store += 3 * day
    }
    expect(listed).toEqual([[1], [1, 2], [3], [3, 4], [5]])
  })

  test('does not take a rewind to an old checkpoint for a jump', async () => {
    const clocks = new Clocks(true)
    await clocks.save(1, retention)
    await clocks.open({}).pin(1)
    for (const step of [2, 3, 4, 5, 6, 7, 8]) {
      clocks.store += 10 * hour
      await clocks.save(step, retention)
    }
    await clocks.open({}).rewind(1)
    clocks.store += hour
    await clocks.save(9, retention)
    expect(clocks.doubts).toEqual([])
  })

  test('notices a jump after a rewind', async () => {
    const clocks = new Clocks(true)
    for (const step of [1, 2, 3]) {
      await clocks.save(step, retention)
      clocks.store += hour
    }
    await clocks.open({}).rewind(1)
    clocks.store += 50 * year
    expect(await clocks.save(4, retention)).toEqual([2, 3])
    expect(clocks.doubts[0]).toMatch(/^The clock seems to have jumped by .* before step 4\.$/)
  })

  test('remembers a jump whose checkpoint a rewind abandoned', async () => {
    const clocks = new Clocks(true)
    for (const step of [1, 2, 3]) {
      await clocks.save(step, retention)
      clocks.store += hour
    }
    clocks.store += 50 * year
    await clocks.save(4, retention)
    clocks.store += hour
    await clocks.open({}).rewind(3)
    await clocks.save(5, retention)
    clocks.store += hour
    await clocks.save(6, retention)
    expect(await stepsIn(clocks.open({}))).toEqual([1, 2, 3, 5, 6])
  })

  test('prunes by age alone when the caller asks for it', async () => {
    const clocks = new Clocks(true)
    for (const step of [1, 2, 3]) await clocks.save(step, retention)
    clocks.store += 10 * day
    expect((await clocks.open(retention).prune()).dropped.map(({ step }) => step)).toEqual([1, 2])
  })
})
