import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { overlapping } from '../../src/async/overlapping.ts'

test('begins a piece when the piece before has reported its result, and ends when all pieces have ended', async () => {
  const log: string[] = []
  const slow = Promise.withResolvers<string>()
  const done = overlapping(async (begin) => {
    const first = await begin<string>(async (report) => {
      report('early')
      return slow.promise.finally(() => log.push('first ended'))
    })
    log.push(`second begins with ${first.result}`)
    const second = await begin(async () => 'at the end')
    return second.result
  }).finally(() => log.push('all ended'))
  await nextTurn()
  expect(log).not.toContain('all ended')
  slow.resolve('early')
  expect(await done).toBe('at the end')
  expect(log).toEqual(['second begins with early', 'first ended', 'all ended'])
})

test('waits for all pieces after a failure, and rejects with the failure of the first one', async () => {
  const slow = Promise.withResolvers<string>()
  const ended: string[] = []
  const failing = overlapping(async (begin) => {
    const first = await begin<string>(async (report) => {
      report('early')
      return slow.promise.finally(() => ended.push('first'))
    })
    await begin(async () => {
      slow.reject(new Error('the first fails later'))
      throw new Error(`the second fails after ${first.result}`)
    })
  })
  await expect(failing).rejects.toThrow('the first fails later')
  expect(ended).toEqual(['first'])
})

test('rejects with the failure of the whole if no piece fails', async () => {
  const failing = overlapping(async (begin) => {
    await begin(async () => 'good')
    throw new Error('the rest fails')
  })
  await expect(failing).rejects.toThrow('the rest fails')
})
