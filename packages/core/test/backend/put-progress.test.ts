import { expect, test } from 'vitest'
import { PutProgress } from '../../src/backend/put-progress.ts'

function reported(
  size: number | undefined,
  bytes: readonly number[],
  end: number | undefined,
): readonly number[] {
  const told: number[] = []
  const progress = new PutProgress((each) => told.push(each), size)
  for (const each of bytes) progress.report(each)
  if (end !== undefined) progress.end(end)
  return told
}

test('never reports fewer bytes than before, although the put begins again', () => {
  expect(reported(100, [10, 90, 10, 50, 95], 100)).toEqual([10, 90, 95, 100])
})

test('reports the full size once, and only if the put succeeds', () => {
  expect(reported(100, [50, 100], undefined)).toEqual([50])
  expect(reported(100, [50, 100, 50], 100)).toEqual([50, 100])
  expect(reported(undefined, [50, 100], 100)).toEqual([50, 100])
  expect(reported(0, [0], 0)).toEqual([0])
})
