import { expect, onTestFinished, test, vi } from 'vitest'
import { ResponseLimit } from '../../src/backend.ts'

function withFakeTimers(): void {
  vi.useFakeTimers()
  onTestFinished(() => {
    vi.useRealTimers()
  })
}

test('a limit fires with an error that states it, and starts again for bytes in flight', () => {
  withFakeTimers()
  const limit = new ResponseLimit(0, { bytes: 1000, within: 1000 })
  vi.advanceTimersByTime(59_999)
  limit.restart(5000)
  vi.advanceTimersByTime(64_999)
  expect(limit.signal.aborted).toBe(false)
  vi.advanceTimersByTime(1)
  expect(limit.signal.reason).toMatchObject({ name: 'TimeoutError', message: 'No response arrived for 65 s' })
})

test('a limit that has ended leaves no timer, also if it is started again', () => {
  withFakeTimers()
  const limit = new ResponseLimit(0, undefined)
  limit.end()
  limit.restart(1000)
  expect(vi.getTimerCount()).toBe(0)
})
