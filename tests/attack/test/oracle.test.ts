import { describe, expect, test } from 'vitest'
import { keepLast, type Operation, type Outcome } from '../src/operations.ts'
import { Oracle } from '../src/oracle.ts'

function save(step: number, id: string, loss = 1): Operation {
  return { kind: 'save', id, step, loss }
}

/** Returns an oracle that recorded these operations one after another. */
function oracleOf(...acts: readonly (readonly [Operation, Outcome | 'killed'])[]): Oracle {
  const oracle = new Oracle()
  for (const [operation, outcome] of acts) {
    oracle.start(operation)
    if (outcome !== 'killed') oracle.end(operation.id, outcome)
  }
  return oracle
}

function listed(...entries: readonly (readonly [step: number, id: string])[]) {
  return new Map(entries.map(([step, id]) => [step, { id, pinned: false }]))
}

describe('the oracle', () => {
  test('accepts a list of everything that was acknowledged', () => {
    const oracle = oracleOf([save(1, 'a'), 'acknowledged'], [save(2, 'b'), 'acknowledged'])
    expect(oracle.judge(listed([1, 'a'], [2, 'b']), false)).toEqual([])
  })

  test('reports an acknowledged save that is missing', () => {
    const oracle = oracleOf([save(1, 'a'), 'acknowledged'])
    expect(oracle.judge(listed(), false)).toHaveLength(1)
  })

  test('accepts a save of a killed writer, listed or not', () => {
    const oracle = oracleOf([save(1, 'a'), 'acknowledged'], [save(2, 'b'), 'killed'])
    expect(oracle.judge(listed([1, 'a'], [2, 'b']), false)).toEqual([])
    expect(oracle.judge(listed([1, 'a']), false)).toEqual([])
  })

  test('reports a listed save that the store had rejected', () => {
    const oracle = oracleOf([save(1, 'a'), 'refused'])
    expect(oracle.judge(listed([1, 'a']), false)).toHaveLength(1)
  })

  test('reports a step that has the bytes of another step', () => {
    const oracle = oracleOf([save(1, 'a'), 'acknowledged'], [save(2, 'b'), 'acknowledged'])
    expect(oracle.judge(listed([1, 'b'], [2, 'b']), false)).not.toEqual([])
  })

  test('reports a missing old checkpoint only if retention keeps all checkpoints', () => {
    const steps = Array.from({ length: keepLast + 1 }, (_, step) => step)
    const oracle = oracleOf(
      ...steps.map((step) => [save(step, `s${step}`, 10 - step), 'acknowledged'] as const),
    )
    const later = listed(...steps.slice(1).map((step) => [step, `s${step}`] as const))
    expect(oracle.judge(later, false)).toEqual([])
    expect(oracle.judge(later, true)).toHaveLength(1)
  })

  test('accepts that a save is dropped whose writer did not know later ones of other writers', () => {
    const others = Array.from({ length: keepLast }, (_, index) => save(index + 2, `b.${index}`, 9))
    const oracle = oracleOf(
      [save(1, 'a.0', 9), 'acknowledged'],
      ...others.map((other) => [other, 'acknowledged'] as const),
      [save(100, 'a.1', 9), 'acknowledged'],
      [save(101, 'c.0', 1), 'acknowledged'],
    )
    const kept = others.map(({ id }, index) => [index + 2, id] as const)
    expect(oracle.judge(listed(...kept, [101, 'c.0']), false)).toEqual([])
  })

  test('reports the best checkpoint if it is missing', () => {
    const steps = Array.from({ length: keepLast + 1 }, (_, step) => step)
    const oracle = oracleOf(...steps.map((step) => [save(step, `s${step}`, step), 'acknowledged'] as const))
    const later = listed(...steps.slice(1).map((step) => [step, `s${step}`] as const))
    expect(oracle.judge(later, false)).toEqual([
      'step 0, saved by s0, is lost, but must be kept because it is the best by loss. save s0 from 1 to 2: acknowledged',
    ])
  })

  test('reports a pinned checkpoint that is missing or lost its pin, until it is unpinned', () => {
    const pin: Operation = { kind: 'pin', id: 'p', step: 1 }
    const oracle = oracleOf([save(1, 'a'), 'acknowledged'], [pin, 'acknowledged'])
    expect(oracle.judge(listed([1, 'a']), false)).toEqual(['step 1 lost its pin'])
    expect(oracle.judge(listed(), false)).toEqual([
      'step 1, saved by a, is lost, but must be kept because it is pinned. ' +
        'save a from 1 to 2: acknowledged, pin p from 3 to 4: acknowledged',
    ])
    oracle.start({ kind: 'unpin', id: 'u', step: 1 })
    expect(oracle.judge(listed([1, 'a']), false)).toEqual([])
  })

  test('reports a listed checkpoint that an acknowledged save has replaced', () => {
    const replace: Operation = { kind: 'replace', id: 'b', step: 1, loss: 1 }
    const oracle = oracleOf([save(1, 'a'), 'acknowledged'], [replace, 'acknowledged'])
    expect(oracle.judge(listed([1, 'b']), false)).toEqual([])
    expect(oracle.judge(listed([1, 'a']), false)).not.toEqual([])
  })

  test('accepts a late effect of a killed operation until all requests in flight have arrived', () => {
    const remove: Operation = { kind: 'delete', id: 'd', step: 1 }
    const oracle = oracleOf([remove, 'killed'], [save(1, 'a'), 'acknowledged'])
    oracle.recordDeaths()
    expect(oracle.judge(listed(), false)).toEqual([])
    oracle.recordDeaths()
    oracle.start(save(2, 'b'))
    oracle.end('b', 'acknowledged')
    oracle.start(save(3, 'c'))
    oracle.end('c', 'acknowledged')
    expect(oracle.judge(listed([1, 'a'], [3, 'c']), false)).toHaveLength(1)
  })
})
