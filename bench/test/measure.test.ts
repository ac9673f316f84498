import { expect, test } from 'vitest'
import { type Contender, measure, reportOf } from '../src/index.ts'
import { toyGroup } from './toy-group.ts'

const counting = () => {
  const calls = { runs: 0, checks: 0 }
  const contender = {
    name: 'counter',
    run: async () => {
      calls.runs += 1
      return 1
    },
    verify: async () => {
      calls.checks += 1
    },
  }
  return { calls, work: { name: 'Count', contenders: [contender] } }
}

/** Returns a contender whose runs fail if their number is among these. The first run has the number 1. */
function failing(name: string, failures: readonly number[], mayFail = true): Contender {
  let runs = 0
  return {
    name,
    mayFail,
    run: async () => {
      runs += 1
      if (failures.includes(runs)) throw new Error(`run ${runs} failed`)
      return runs
    },
    verify: async () => undefined,
  }
}

test('verifies the first and the last round, and no round between', async () => {
  const { calls, work } = counting()
  const result = await measure(work, { rounds: 5, warmUp: true })
  expect({ ...calls, rounds: result.rounds, planned: result.planned }).toEqual({
    runs: 6,
    checks: 2,
    rounds: 5,
    planned: 5,
  })
})

test('takes and verifies one round if the time of a work is over before it begins, and reports the others as left out', async () => {
  const { calls, work } = counting()
  const result = await measure(work, { rounds: 5, warmUp: true, budget: 0 })
  expect({ ...calls, rounds: result.rounds, planned: result.planned }).toEqual({
    runs: 2,
    checks: 2,
    rounds: 1,
    planned: 5,
  })
  expect(reportOf({ groups: [toyGroup([result])] }, 'ratios.svg')).toContain(
    '- toy: 4 of 5 rounds of "Count": the time of the group was over.',
  )
})

test('lets each contender run after different ones', async () => {
  const order: string[] = []
  const contenders = ['a', 'b', 'c', 'd'].map((name) => ({
    name,
    run: async () => {
      order.push(name)
      return 1
    },
    verify: async () => undefined,
  }))
  await measure({ name: 'Take turns', contenders }, { rounds: 20, warmUp: false })
  const rounds = Array.from({ length: 20 }, (_, round) => order.slice(round * 4, round * 4 + 4))
  expect(rounds.map((round) => round.toSorted().join(''))).toEqual(rounds.map(() => 'abcd'))
  const beforeB = new Set(rounds.map((round) => round[round.indexOf('b') - 1]))
  expect(beforeB).toEqual(new Set(['a', 'c', 'd', undefined]))
})

test('lets a contender that decides no ratio take part in the first and the last round only', async () => {
  const taking = (name: string, value: number): Contender => ({
    name,
    run: async () => value,
    verify: async () => undefined,
  })
  const result = await measure(
    {
      name: 'Race',
      contenders: [taking('ours', 1), taking('fast', 2), taking('slow', 5), taking('named', 9)],
      comparisons: [
        { text: 'the fastest', of: 'ours', against: { which: 'fastest', names: ['fast', 'slow', 'named'] } },
        { text: 'named', of: 'ours', against: { which: 'fastest', names: ['named'] } },
      ],
    },
    { rounds: 4, warmUp: true },
  )
  expect(result.contenders).toMatchObject([
    { name: 'ours', values: [1, 1, 1, 1] },
    { name: 'fast', values: [2, 2, 2, 2] },
    { name: 'slow', values: [null, null, null, 5], median: 5, verified: 2 },
    { name: 'named', values: [9, 9, 9, 9] },
  ])
  expect(result.verdicts).toMatchObject([{ value: 0.5 }, { value: 1 / 9 }])
})

test('compares a contender that failed in one round by its other rounds, and reports the failure', async () => {
  const ours = failing('ours', [])
  const theirs = failing('theirs', [3])
  const result = await measure(
    {
      name: 'Race',
      contenders: [ours, theirs],
      comparisons: [{ text: 'theirs', of: 'ours', against: { which: 'fastest', names: ['theirs'] } }],
    },
    { rounds: 5, warmUp: false },
  )
  expect(result.contenders[1]).toMatchObject({
    values: [1, 2, null, 4, 5],
    median: 3,
    failedRound: 'run 3 failed',
  })
  expect(result.verdicts[0]?.value).toBe(1)
  expect(reportOf({ groups: [toyGroup([result])] }, 'ratios.svg')).toContain(
    '- toy: one round of theirs in "Race": run 3 failed',
  )
})

test('leaves a contender out after its second failure, and runs it no more', async () => {
  const result = await measure(
    { name: 'Race', contenders: [failing('ours', []), failing('theirs', [1, 2, 3])] },
    { rounds: 5, warmUp: false },
  )
  expect(result.contenders[1]).toMatchObject({ values: [], failure: 'run 1 failed' })
  await expect(
    measure({ name: 'Race', contenders: [failing('ours', [1], false)] }, { rounds: 5, warmUp: false }),
  ).rejects.toThrow('run 1 failed')
})

test('leaves a contender out that produces wrong bytes', async () => {
  const wrong: Contender = {
    ...failing('theirs', []),
    verify: async () => {
      throw new Error('wrong bytes')
    },
  }
  const result = await measure({ name: 'Race', contenders: [wrong] }, { rounds: 3, warmUp: false })
  expect(result.contenders[0]).toMatchObject({ values: [], verified: 0, failure: 'wrong bytes' })
})
