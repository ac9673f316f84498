import { expect, test } from 'vitest'
import { deleteInBatches } from '../../src/backend.ts'
import { HoldfastError } from '../../src/index.ts'

const plan = { batchSize: 3, batchesAtOnce: 1 }

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
