import { describe, expect, test } from 'vitest'
import { BusyLimit, type Load, Machine, measureLoad } from '../../src/pacing/index.ts'
import { idleProcessors, timesIn } from '../../src/pacing/load.ts'

const mebibyte = 2 ** 20
const idle: Load = { idleProcessors: 2, eventLoop: 0.1 }
const busy: Load = { idleProcessors: 0.1, eventLoop: 0.1 }

/** A limit on a machine whose load and time are simulated. */
class Simulation {
  load: Load = busy
  now = 0
  looks = 0
  readonly #elapsed = (): number => this.now
  readonly #pause = async (milliseconds: number): Promise<void> => {
    this.now += milliseconds
  }
  readonly machine = new Machine({
    elapsed: this.#elapsed,
    pause: this.#pause,
    measureLoad: async () => {
      this.looks += 1
      return async () => this.load
    },
  })
  readonly limit = this.newLimit()

  newLimit(rate: number | undefined = 32 * mebibyte): BusyLimit {
    return new BusyLimit({
      rate,
      clock: { elapsed: this.#elapsed, pause: this.#pause },
      machine: this.machine,
    })
  }

  /** Sends this many MiB, one after the other, and returns how many milliseconds that took. */
  async send(count: number, transfer = this.limit.begin(), signal?: AbortSignal): Promise<number> {
    const began = this.now
    for (let sent = 0; sent < count; sent += 1) await transfer.pace(mebibyte, signal)
    return this.now - began
  }
}

describe('a limit while the machine is busy', () => {
  test.each([
    ['no processor is idle', { idleProcessors: 0.4, eventLoop: 0 }],
    ['the event loop always has work', { idleProcessors: 3, eventLoop: 0.95 }],
  ])('keeps the rate if %s', async (_, load) => {
    const simulation = new Simulation()
    simulation.load = load
    // Four looks of 50 ms, and 320 MiB of which 8 MiB are not limited. It looks again each second.
    expect(await simulation.send(328)).toBeGreaterThan(10_000)
    expect(simulation.now).toBeLessThan(13_000)
  })

  test('limits nothing if a processor is idle', async () => {
    const simulation = new Simulation()
    simulation.load = { idleProcessors: 0.5, eventLoop: 0.9 }
    expect(await simulation.send(1000)).toBe(50)
    expect(simulation.looks).toBe(1)
  })

  test('does not look during the first 8 MiB of each transfer', async () => {
    const simulation = new Simulation()
    for (let save = 0; save < 100; save += 1) await simulation.send(8)
    expect(simulation.looks).toBe(0)
    await simulation.send(9)
    expect(simulation.looks).toBe(4)
  })

  test('does not count what is still on its way when it looks', async () => {
    const simulation = new Simulation()
    const transfer = simulation.limit.begin()
    await simulation.send(8, transfer)
    const next = transfer.pace(mebibyte)
    simulation.load = idle
    await next
    expect(await simulation.send(100, transfer)).toBe(0)
  })

  test('ends within a second after the other work', async () => {
    const simulation = new Simulation()
    const transfer = simulation.limit.begin()
    await simulation.send(50, transfer)
    simulation.load = idle
    expect(await simulation.send(1000, transfer)).toBeLessThan(1100)
  })

  test('begins within ten seconds after other work has begun', async () => {
    const simulation = new Simulation()
    simulation.load = idle
    const transfer = simulation.limit.begin()
    await simulation.send(100, transfer)
    simulation.load = busy
    expect(await simulation.send(100, transfer)).toBe(0)
    simulation.now += 10_000
    // The rate holds at once: time without a limit is not caught up on.
    expect(await simulation.send(32, transfer)).toBeGreaterThan(1000)
  })

  test('makes several transfers share the rate and the looks', async () => {
    const simulation = new Simulation()
    await Promise.all([simulation.send(8 + 32), simulation.send(8 + 32)])
    expect(simulation.now).toBeGreaterThan(2000)
    expect(simulation.looks).toBeLessThanOrEqual(4 * 3)
  })

  test('is suspended while something waits', async () => {
    const simulation = new Simulation()
    const transfer = simulation.limit.begin()
    {
      using _ = simulation.limit.suspend()
      const second = simulation.limit.suspend()
      second[Symbol.dispose]()
      second[Symbol.dispose]()
      expect(await simulation.send(1000, transfer)).toBe(0)
    }
    expect(await simulation.send(32, transfer)).toBeGreaterThan(1000)
  })

  test('never looks if there is no limit', async () => {
    const simulation = new Simulation()
    const unlimited = new BusyLimit({
      rate: undefined,
      clock: { elapsed: () => 0, pause: () => Promise.reject(new Error('It paused')) },
      machine: simulation.machine,
    })
    expect(await simulation.send(1000, unlimited.begin())).toBe(0)
    expect(simulation.looks).toBe(0)
  })

  test('makes the transfers of all stores wait during a look', async () => {
    const simulation = new Simulation()
    const [one, other] = [simulation.limit.begin(), simulation.newLimit().begin()]
    await simulation.send(8, one)
    await simulation.send(8, other)
    await Promise.all([one.pace(1), other.pace(1)])
    expect(simulation.looks).toBe(4)
  })

  test('ends with the signal', async () => {
    const simulation = new Simulation()
    const transfer = simulation.limit.begin()
    await simulation.send(8, transfer)
    await expect(simulation.send(1, transfer, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('the load of a machine', () => {
  test('counts idle processors', () => {
    const before = { idle: 100, whole: 100, processors: 2 }
    expect(idleProcessors(before, { idle: 250, whole: 300, processors: 2 })).toBeCloseTo(1.5)
    expect(idleProcessors(before, { idle: 100, whole: 300, processors: 2 })).toBe(0)
  })

  test('is not busy if the system does not tell', () => {
    const nothing = { idle: 0, whole: 0, processors: 0 }
    expect(idleProcessors(nothing, nothing)).toBe(Infinity)
  })

  test('reads /proc/stat, in which a processor that waits for a disk is idle', () => {
    const text =
      'cpu  10 20 30 400 50 6 7 8 900 1000\ncpu0 5 10 15 200 25 3 3 4 450 500\ncpu1 5 1\nintr 1 2\n'
    expect(timesIn(text)).toEqual({ idle: 450, whole: 531, processors: 2 })
  })

  test('shows an event loop that always has work', async () => {
    const loadSince = await measureLoad()
    for (let turn = 0; turn < 20; turn += 1) {
      const until = performance.now() + 10
      while (performance.now() < until) Math.sqrt(turn)
      await new Promise(setImmediate)
    }
    const { eventLoop, idleProcessors: idleNow } = await loadSince()
    expect(eventLoop).toBeGreaterThan(0.9)
    expect(idleNow).toBeGreaterThanOrEqual(0)
  })
})
