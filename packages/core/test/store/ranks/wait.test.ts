import { describe, expect, test } from 'vitest'
import { HoldfastError, MemoryBackend, systemEnvironment } from '../../../src/index.ts'
import type { Environment } from '../../../src/index.ts'
import { pollUntil } from '../../../src/store/ranks/wait.ts'

const unavailable = new HoldfastError('UNAVAILABLE', 'The store does not answer.')

/** A wait whose time passes only in pauses, and while it polls. */
class Wait {
  /** Milliseconds since the wait began, for each poll. */
  readonly polls: number[] = []
  #now = 0

  /** `found` returns what a poll that begins at this time finds. Each poll takes `pollTime` milliseconds. */
  async run(timeout: number, pollTime: number, found: (at: number) => string | undefined): Promise<string> {
    const environment: Environment = {
      ...systemEnvironment,
      now: () => new Date(this.#now),
      random: () => 0.5,
      pause: async (milliseconds) => {
        this.#now += Math.round(milliseconds) // the clock has whole milliseconds
      },
    }
    const poll = async (): Promise<string | undefined> => {
      const at = this.#now
      this.polls.push(at)
      this.#now += pollTime
      return found(at)
    }
    return pollUntil(
      { environment, backend: new MemoryBackend() },
      timeout,
      undefined,
      poll,
      () => new Error('late'),
    )
  }

  get ended(): number {
    return this.#now
  }
}

describe('a wait', () => {
  test.each([60, 1_000, 10_000])('polls for the last time at its limit of %d ms', async (timeout) => {
    const wait = new Wait()
    await expect(wait.run(timeout, 0, () => undefined)).rejects.toThrow('late')
    expect(wait.polls.at(-1)).toBe(timeout)
    expect(wait.ended).toBe(timeout)
  })

  test('finds what exists at its limit', async () => {
    const wait = new Wait()
    expect(await wait.run(1_000, 0, (at) => (at >= 1_000 ? 'found' : undefined))).toBe('found')
    expect(wait.ended).toBe(1_000)
  })

  test('begins no poll after its limit', async () => {
    const wait = new Wait()
    await expect(wait.run(1_000, 300, () => undefined)).rejects.toThrow('late')
    expect(Math.max(...wait.polls)).toBeLessThanOrEqual(1_000)
  })

  test('returns the result of a poll during which its limit passes', async () => {
    expect(await new Wait().run(1_000, 5_000, () => 'found')).toBe('found')
  })

  test('polls once if its limit is 0', async () => {
    const wait = new Wait()
    await expect(wait.run(0, 0, () => undefined)).rejects.toThrow('late')
    expect(wait.polls).toEqual([0])
  })

  test('rejects with the error of its last poll', async () => {
    const run = new Wait().run(1_000, 0, () => {
      throw unavailable
    })
    await expect(run).rejects.toBe(unavailable)
  })
})
