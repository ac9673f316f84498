import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemEnvironment } from '../../src/index.ts'
import { longestTimer, pauseFor, progressing } from '../../src/backend.ts'

const day = 86_400_000

/** Collects the warning that Node.js emits in the next tick for a timer that is too long, and that fires after 1 ms. */
function timerWarnings(): readonly string[] {
  const warnings: string[] = []
  const collect = ({ name }: Error): void => {
    if (name === 'TimeoutOverflowWarning') warnings.push(name)
  }
  process.on('warning', collect)
  onTestFinished(() => {
    process.off('warning', collect)
  })
  return warnings
}

describe('a pause that is longer than the longest timer', () => {
  test.each([longestTimer + 1, 1e10, Infinity])('continues until the signal fires: %d ms', async (time) => {
    const warnings = timerWarnings()
    const stop = new AbortController()
    const paused = systemEnvironment.pause(time, stop.signal)
    await setImmediate()
    stop.abort()
    await expect(paused).rejects.toMatchObject({ code: 'ABORTED' })
    expect(warnings).toEqual([])
  })

  test('of a helper rejects with the error of Node.js when the signal fires', async () => {
    const stop = new AbortController()
    const paused = pauseFor(1e10, stop.signal)
    stop.abort()
    await expect(paused).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('a minimum progress within a longer time than the longest timer', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test.each([1e10, Infinity])('does not break a body that is slow for a day: %d ms', async (within) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const arrival = Promise.withResolvers<Uint8Array>()
    let failure: Error | undefined
    const body = {
      async *[Symbol.asyncIterator]() {
        yield await arrival.promise
      },
      destroy: (error: Error) => {
        failure = error
        arrival.reject(error)
      },
    }
    const read = Array.fromAsync(progressing(body, 'the read of a', { bytes: 10, within }))
    await vi.advanceTimersByTimeAsync(day)
    expect(failure).toBeUndefined()
    arrival.resolve(Buffer.from('a'))
    expect(await read).toEqual([Buffer.from('a')])
  })
})
