import { expect, test } from 'vitest'
import { deleteInBatches } from '../../src/backend.ts'
import { HoldfastError } from '../../src/index.ts'

const plan = { batchSize: 3, batchesAtOnce: 1, retry: { attempts: 2, minDelay: 0, maxDelay: 0 } }

test('sends the keys of a batch once more that failed for the moment', async () => {
  const sent: (readonly string[])[] = []
  const report = await deleteInBatches(['a', 'b', 'c', 'd'], plan, undefined, async (batch) => {
    sent.push(batch)
    const isFirst = sent.length === 1
    return batch.flatMap((key) => {
      if (key === 'a') return [{ key, error: new HoldfastError('PERMISSION_DENIED', 'held') }]
      if (key === 'b' && isFirst) return [{ key, error: new HoldfastError('UNAVAILABLE', 'busy') }]
      return key === 'c' ? [{ key, error: new HoldfastError('UNAVAILABLE', 'always busy') }] : []
    })
  })
  expect(sent).toEqual([['a', 'b', 'c'], ['b', 'c'], ['d']])
  expect(report.deleted).toEqual(['b', 'd'])
  expect(report.failed).toMatchObject([
    { key: 'a', error: { code: 'PERMISSION_DENIED' } },
    { key: 'c', error: { code: 'UNAVAILABLE' } },
  ])
})

/** A batch in which the first request holds back one key and fails for another, and the second request rejects. */
function rejectingSecond(error: Error): Parameters<typeof deleteInBatches>[3] {
  let requests = 0
  return async () => {
    requests += 1
    if (requests > 1) throw error
    return [
      { key: 'a', error: new HoldfastError('PERMISSION_DENIED', 'held') },
      { key: 'b', error: new HoldfastError('UNAVAILABLE', 'busy') },
    ]
  }
}

test('reports what the first request deleted if the second one fails', async () => {
  const broken = rejectingSecond(new HoldfastError('UNAVAILABLE', 'broken'))
  const report = await deleteInBatches(['a', 'b', 'c'], plan, undefined, broken)
  expect(report.deleted).toEqual(['c'])
  expect(report.failed).toMatchObject([{ error: { reason: 'held' } }, { error: { reason: 'busy' } }])
})

test('pauses before it sends keys again, and stops if the signal fires during the pause', async () => {
  const stop = new AbortController()
  let requests = 0
  const slow = { ...plan, retry: { attempts: 2, minDelay: 2 ** 30, maxDelay: 2 ** 30 } }
  const deleting = deleteInBatches(['a'], slow, stop.signal, async ([key = '']) => {
    requests += 1
    setImmediate(() => {
      stop.abort()
    })
    return [{ key, error: new HoldfastError('UNAVAILABLE', 'busy') }]
  })
  await expect(deleting).rejects.toMatchObject({ code: 'ABORTED' })
  expect(requests).toBe(1)
})
