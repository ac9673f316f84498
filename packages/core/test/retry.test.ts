import { expect, test } from 'vitest'
import { HoldfastError } from '../src/index.ts'
import { type RetryEvent, withRetry } from '../src/backend.ts'

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
