import { expect, onTestFinished, test, vi } from 'vitest'
import { HoldfastError } from '../../src/index.ts'
import {
  commonMeanings,
  type Failure,
  type RetryEvent,
  retryAfterOf,
  storeError,
  withRetry,
} from '../../src/backend.ts'

const policy = { attempts: 4, minDelay: 0, maxDelay: 0 }

function failing(
  times: number,
  error: Error,
): { readonly request: () => Promise<string>; readonly made: () => number } {
  let made = 0
  return {
    request: async () => {
      made += 1
      if (made <= times) throw error
      return 'answer'
    },
    made: () => made,
  }
}

const retryable = new HoldfastError('UNAVAILABLE', 'slow down')

test('retries a request while its error is retryable, and reports each retry', async () => {
  const { request, made } = failing(2, retryable)
  const told: RetryEvent[] = []
  expect(await withRetry(request, { what: 'put x', policy, onRetry: (event) => told.push(event) })).toBe(
    'answer',
  )
  expect(made()).toBe(3)
  expect(told.map(({ what, attempt, attemptsLeft }) => [what, attempt, attemptsLeft])).toEqual([
    ['put x', 1, 3],
    ['put x', 2, 2],
  ])
})

test('stops after the last attempt and rejects with its error unchanged', async () => {
  const { request, made } = failing(Infinity, retryable)
  await expect(withRetry(request, { what: 'put x', policy })).rejects.toBe(retryable)
  expect(made()).toBe(4)
})

test.each([
  new HoldfastError('PERMISSION_DENIED', 'no'),
  new HoldfastError('UNAVAILABLE', 'for good', { retryable: false }),
  new TypeError('a bug'),
])('what is not retryable is not made again: %s', async (error) => {
  const { request, made } = failing(Infinity, error)
  await expect(withRetry(request, { what: 'put x', policy })).rejects.toBe(error)
  expect(made()).toBe(1)
})

test('stops as soon as the signal fires, also during a pause', async () => {
  const stop = new AbortController()
  const { request, made } = failing(Infinity, retryable)
  const retrying = withRetry(request, {
    what: 'put x',
    policy: { attempts: 10, minDelay: 60_000, maxDelay: 60_000 },
    signal: stop.signal,
    onRetry: () => {
      stop.abort(new Error('enough'))
    },
  })
  await expect(retrying).rejects.toMatchObject({ code: 'ABORTED' })
  expect(made()).toBe(1)
})

/** Returns the error of a request that the store refused, or that could not be sent. */
function refusedWith(status: number | undefined, retryAfter?: number, isOfStore = true): HoldfastError {
  const name = status === undefined ? 'ECONNREFUSED' : 'Error'
  return refusedAs({ name, message: '', status, retryAfter, isOfStore })
}

function refusedAs(failure: Failure): HoldfastError {
  const { slowDown, storeFailed, noNetwork } = commonMeanings
  const meanings = { SlowDown: slowDown, ServiceUnavailable: storeFailed, PARSE_ERROR: noNetwork }
  return storeError(new Error('no'), failure, meanings, { what: 'put x' }, 's3://b')
}

test('asks an overloaded store twice as often as one that fails or cannot be reached', async () => {
  for (const [status, attempts] of [
    [429, 7],
    [503, 7],
    [500, 4],
    [undefined, 4],
  ] as const) {
    const { request, made } = failing(Infinity, refusedWith(status))
    await expect(withRetry(request, { what: 'put x', policy })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(made()).toBe(attempts)
  }
  const { request, made } = failing(Infinity, refusedWith(503))
  const once = { ...policy, attempts: 1 }
  await expect(withRetry(request, { what: 'put x', policy: once })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
  expect(made()).toBe(1)
})

test.each([
  ['SlowDown', 503, 7],
  ['SlowDown', 200, 7],
  ['ServiceUnavailable', 503, 7],
  ['ServiceUnavailable', 500, 4],
  ['PARSE_ERROR', 503, 4],
  ['Error', 503, 4],
  ['Error', 429, 4],
  ['WebPage', 503, 4],
])(
  'without an id of the request, takes %s with status %s for an overload only if the store has this code: %s attempts',
  async (name, status, attempts) => {
    const refused = refusedAs({ name, status, message: '', retryAfter: 3_600_000 })
    const { request, made } = failing(Infinity, refused)
    const pause = async (): Promise<void> => undefined
    await expect(withRetry(request, { what: 'put x', policy, pause })).rejects.toBe(refused)
    expect(made()).toBe(attempts)
  },
)

test('counts failures and refusals of one request together', async () => {
  const errors = [503, 500, 503, 500, 503, 500, 503, 500].map((status) => refusedWith(status))
  let made = 0
  const told: number[] = []
  const request = async (): Promise<never> => {
    made += 1
    throw errors[made - 1] ?? new Error('asked too often')
  }
  const onRetry = ({ attemptsLeft }: RetryEvent): number => told.push(attemptsLeft)
  await expect(withRetry(request, { what: 'put x', policy, onRetry })).rejects.toBe(errors[6])
  expect(told).toEqual([6, 3, 4, 2, 2, 1])
})

test('waits as long as an overloaded store asks for, and at most 30 seconds', async () => {
  const waited: number[] = []
  const pause = async (milliseconds: number): Promise<void> => {
    waited.push(milliseconds)
  }
  for (const retryAfter of [12_000, 24 * 3_600_000]) {
    const { request } = failing(1, refusedWith(503, retryAfter))
    expect(await withRetry(request, { what: 'put x', policy, pause })).toBe('answer')
  }
  expect(waited).toEqual([12_000, 30_000])
})

test('waits a minute longer in total if an overloaded store always asks for more', async () => {
  const waited: number[] = []
  const pause = async (milliseconds: number): Promise<void> => {
    waited.push(milliseconds)
  }
  const { request, made } = failing(Infinity, refusedWith(503, 25_000))
  await expect(withRetry(request, { what: 'put x', policy, pause })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
  expect(waited).toEqual([25_000, 25_000, 10_000])
  expect(made()).toBe(7)
})

test('reports how many attempts follow while a store is overloaded', async () => {
  const left: number[] = []
  const { request } = failing(Infinity, refusedWith(503))
  const onRetry = ({ attemptsLeft }: RetryEvent): number => left.push(attemptsLeft)
  await expect(withRetry(request, { what: 'put x', policy, onRetry })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  })
  expect(left).toEqual([6, 5, 4, 3, 2, 1])
})

test('gives an overloaded store about a minute by default, and one that cannot be reached some seconds', async () => {
  vi.useFakeTimers()
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const timeFor = async (error: Error): Promise<number> => {
    const start = Date.now()
    const retrying = withRetry(failing(Infinity, error).request, { what: 'put x' }).catch(() => undefined)
    await vi.runAllTimersAsync()
    await retrying
    return Date.now() - start
  }
  expect(await timeFor(refusedWith(undefined))).toBeLessThan(6500)
  expect(await timeFor(refusedWith(503, 3_600_000, false))).toBeLessThan(6500)
  const overloadedFor = await timeFor(refusedWith(503))
  expect(overloadedFor).toBeGreaterThanOrEqual(42_700)
  expect(overloadedFor).toBeLessThan(52_700)
})

test.each([
  ['3', 3000],
  ['Sun, 29 Nov 2026 22:00:05 GMT', 5000],
  ['Sun, 29 Nov 2026 21:00:00 GMT', 0],
  ['soon', undefined],
  ['-1', undefined],
  [undefined, undefined],
])('reads the time in Retry-After: %s', (header, expected) => {
  expect(retryAfterOf(header, Date.parse('2026-11-29T22:00:00Z'))).toBe(expected)
})
