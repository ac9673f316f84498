import { describe, expect, test } from 'vitest'
import { type Condition, parseCondition, satisfies } from '../src/selection/condition.ts'
import { sortedBy } from '../src/selection/order.ts'

function parsed(text: string): Condition | undefined {
  return parseCondition(text, undefined)[0]
}

describe('a condition', () => {
  test.each<[string, Condition]>([
    ['val_loss < 0.2', { field: 'val_loss', comparison: '<', value: 0.2 }],
    ['val_loss>=-1e-3', { field: 'val_loss', comparison: '>=', value: -0.001 }],
    ['acc/top 1 != 0', { field: 'acc/top 1', comparison: '!=', value: 0 }],
    ['step==5', { field: 'step', comparison: '=', value: 5 }],
    ['size > 1.5 GB', { field: 'size', comparison: '>', value: 1.5e9 }],
    ['age <= 2 d', { field: 'age', comparison: '<=', value: 172_800 }],
    ['age > 30min', { field: 'age', comparison: '>', value: 1800 }],
  ])('reads %s', (text, condition) => {
    expect(parsed(text)).toEqual(condition)
  })

  test.each([
    '',
    'val_loss',
    '< 3',
    'a <',
    'a < b',
    'a << 3',
    'a <> 3',
    'size > 3 lb',
    'age < 3 months',
    'age < toString',
  ])('rejects %s', (text) => {
    expect(() => parsed(text)).toThrow()
  })

  test('does not hold for an item without the field, or with NaN', () => {
    const conditions = parseCondition('loss < 1', undefined)
    expect(satisfies(new Map([['loss', 0.5]]), conditions)).toBe(true)
    expect(satisfies(new Map([['loss', Number.NaN]]), conditions)).toBe(false)
    expect(satisfies(new Map(), parseCondition('loss != 1', undefined))).toBe(false)
  })
})

describe('sorting', () => {
  const items = [
    { id: 'none' },
    { id: 'b', at: 2 },
    { id: 'nan', at: Number.NaN },
    { id: 'a', at: 1 },
    { id: 'B', at: 2 },
  ]
  const idsOf = (isReversed: boolean): readonly string[] =>
    sortedBy<{ readonly id: string; readonly at?: number }>(items, ({ at }) => at, isReversed).map(
      ({ id }) => id,
    )

  test('puts items without a number last in either direction, and keeps the order of equals', () => {
    expect(idsOf(false)).toEqual(['a', 'b', 'B', 'none', 'nan'])
    expect(idsOf(true)).toEqual(['b', 'B', 'a', 'none', 'nan'])
  })
})
