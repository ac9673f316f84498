import { describe, expect, onTestFinished, test } from 'vitest'
import {
  CheckpointStore,
  type Environment,
  MemoryBackend,
  openStore,
  type StoreOptions,
  systemEnvironment,
} from '../../src/index.ts'
import { StoreEventEmitter } from '../../src/store/context/events.ts'
import { codeOf } from '../stores.ts'

/** Pauses between these milliseconds are those of a limit. Repeated requests pause for less, and a flush waits longer. */
const [shortestPause, flushLimit] = [100, 300_000]

/** A machine that is always busy, on which only the pauses of limits take time, which is simulated. */
class BusyMachine {
  /** The pauses of limits in milliseconds. */
  readonly pauses: number[] = []
  /** Called in each pause of a limit. */
  inPause: () => unknown = () => undefined
  readonly environment: Environment = {
    ...systemEnvironment,
    machine: { isBusy: () => Promise.resolve(true) },
    elapsed: () => this.elapsed,
    pause: async (milliseconds, signal) => {
      if (milliseconds < shortestPause) return
      if (milliseconds >= flushLimit) return systemEnvironment.pause(milliseconds, signal)
      this.pauses.push(milliseconds)
      await this.inPause()
    },
  }

  /** The time in milliseconds. */
  get elapsed(): number {
    return this.pauses.reduce((sum, pause) => sum + pause, 0)
  }

  open(options: StoreOptions = {}, mirror?: MemoryBackend): CheckpointStore {
    const { environment } = this
    const store = new CheckpointStore(
      new MemoryBackend(),
      options,
      environment,
      new StoreEventEmitter(),
      mirror,
    )
    onTestFinished(() => store.close())
    return store
  }
}

const rate = 2 ** 20
const large = { 'model.bin': Buffer.alloc(20 * 2 ** 20, 1) }
const small = { 'model.bin': Buffer.alloc(7 * 2 ** 20, 1) }

describe('on a busy machine', () => {
  test('a background save keeps its rate', async () => {
    const machine = new BusyMachine()
    const store = machine.open({ background: { rateWhileBusy: rate } })
    await (
      await store.saveInBackground({ step: 1, files: large })
    ).done
    expect(machine.pauses.length).toBeGreaterThan(0)
  })

  test('a background save keeps 16 MiB/s by default, after its first 8 MiB', async () => {
    const machine = new BusyMachine()
    await (
      await machine.open().saveInBackground({ step: 1, files: large })
    ).done
    const limited = large['model.bin'].byteLength - 8 * 2 ** 20
    const expected = (limited / (16 * 2 ** 20)) * 1000
    expect(machine.elapsed).toBeGreaterThan(expected - shortestPause)
    expect(machine.elapsed).toBeLessThanOrEqual(expected)
  })

  test.each([
    ['a small one', {}, small],
    ['one without a limit', { background: { rateWhileBusy: 'unlimited' } }, large],
  ] as const)('a background save runs at full speed if it is %s', async (_, options, files) => {
    const machine = new BusyMachine()
    await (
      await machine.open(options).saveInBackground({ step: 1, files })
    ).done
    expect(machine.pauses).toEqual([])
  })

  test('a save for which the program waits runs at full speed', async () => {
    const machine = new BusyMachine()
    await machine.open().save({ step: 1, files: large })
    expect(machine.pauses).toEqual([])
  })

  test.each<readonly [string, (store: CheckpointStore) => unknown]>([
    ['flush', (store) => store.flush()],
    ['close', (store) => store.close()],
    ['a further background save', (store) => store.saveInBackground({ step: 2, files: { a: Buffer.of(1) } })],
  ])('%s ends the limit of a running save', async (_, wait) => {
    const machine = new BusyMachine()
    const store = machine.open({ background: { rateWhileBusy: rate } })
    let waiting: unknown
    machine.inPause = () => {
      waiting ??= wait(store)
    }
    const save = await store.saveInBackground({ step: 1, files: large })
    await save.done
    await waiting
    expect(machine.pauses.length).toBe(1)
  })

  test('hurry ends the limit of a running save, and not that of the next one', async () => {
    const machine = new BusyMachine()
    const store = machine.open({ background: { rateWhileBusy: rate } })
    const save = await store.saveInBackground({ step: 1, files: large })
    machine.inPause = () => {
      save.hurry()
      save.hurry()
    }
    await save.done
    expect(machine.pauses.length).toBe(1)
    save.hurry()
    machine.inPause = () => undefined
    await (
      await store.saveInBackground({ step: 2, files: large })
    ).done
    expect(machine.pauses.length).toBeGreaterThan(2)
  })

  test('a mirror gets its copies at the rate until something waits for it', async () => {
    const machine = new BusyMachine()
    const options = { background: { rateWhileBusy: rate }, mirror: { store: 'mem:mirror' } }
    const store = machine.open(options, new MemoryBackend('mem:mirror'))
    const paused = Promise.withResolvers<undefined>()
    const waits = Promise.withResolvers<undefined>()
    machine.inPause = async () => {
      paused.resolve(undefined)
      await waits.promise
    }
    await store.save({ step: 1, files: large })
    await paused.promise
    const flushed = store.mirror?.flush()
    waits.resolve(undefined)
    expect((await flushed)?.waiting).toEqual([])
    expect(machine.pauses.length).toBeLessThanOrEqual(2)
  })
})

test.each(['fast', 10, '1 KB/s'])('a rate of %j is refused', async (rateWhileBusy) => {
  const options = { background: { rateWhileBusy: rateWhileBusy as '1 KB/s' } }
  expect(await codeOf((async () => new CheckpointStore(new MemoryBackend(), options))())).toBe(
    'INVALID_ARGUMENT',
  )
  expect(await codeOf(openStore('/tmp/unused', { ...options, config: false }))).toBe('INVALID_ARGUMENT')
})
