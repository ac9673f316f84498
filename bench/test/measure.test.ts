import { expect, test } from 'vitest'
import { measure, reportOf } from '../src/index.ts'

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
  const group = { group: 'toy', works: [result], left: [], ranAt: '', command: '' }
  const machine = { processor: '', cores: 1, memoryBytes: 1, system: '', disk: '', load: 0, versions: {} }
  expect(reportOf({ machine, groups: [group] }, 'ratios.svg')).toContain(
    '- toy: 4 of 5 rounds of "Count": the time of the group was over.',
  )
})
