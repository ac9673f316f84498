import { expect, test } from 'vitest'
import { save } from '../../src/commands/save.ts'
import { chosenRanks } from '../../src/ranks/options.ts'

const none = {
  ranks: undefined,
  rank: undefined,
  worldSize: undefined,
  member: undefined,
  job: undefined,
  takeOver: undefined,
}
const variables = { RANK: '1', WORLD_SIZE: '2' }

test('acts alone without an option about ranks, also if a launcher has set variables', () => {
  expect(chosenRanks(none, variables)).toBeUndefined()
})

test('names the variables that it uses', () => {
  const chosen = chosenRanks({ ...none, ranks: 'env', member: 'member', joinTimeout: 5000 }, variables)
  expect(chosen).toEqual({
    ranks: { rank: 1, size: 2, memberFile: 'member', joinTimeout: 5000, saveTimeout: undefined },
    note: 'rank 1 of 2, by RANK and WORLD_SIZE (torchrun)',
  })
})

test('takes the place from the options, and from the member file without them', () => {
  const limits = { joinTimeout: undefined, saveTimeout: undefined }
  expect(chosenRanks({ ...none, rank: 0, worldSize: 3 }, variables)?.ranks).toEqual({
    rank: 0,
    size: 3,
    memberFile: undefined,
    ...limits,
  })
  expect(chosenRanks({ ...none, member: 'member' }, variables)?.ranks).toEqual({
    memberFile: 'member',
    ...limits,
  })
  expect(chosenRanks({ ...none, ranks: 'env', rank: 1 }, variables)?.ranks).toMatchObject({
    rank: 1,
    size: 2,
  })
})

test.each([
  [{ ranks: 'env', rank: 0 }, 'contradict the environment'],
  [{ ranks: 'env', worldSize: 3 }, 'contradict the environment'],
  [{ rank: 0 }, '--world-size is missing'],
  [{ rank: 0, member: 'member' }, '--world-size is missing'],
  [{ worldSize: 2 }, '--rank is missing'],
  [{ rank: 2, worldSize: 2 }, '--rank 2 must be below --world-size 2'],
  [{ ranks: 'env', job: 'train' }, 'so --job has no meaning'],
  [{ ranks: 'env', takeOver: true }, 'so --take-over has no meaning'],
  [{ saveTimeout: 1000 }, 'requires --ranks env or --member FILE'],
] as const)('rejects %o', (options, message) => {
  expect(() => chosenRanks({ ...none, ...options }, variables)).toThrow(message)
})

test('a stopped save of a rank states that the other ranks may still commit the step', () => {
  expect(save.whenStopped?.({ member: 'member-0' })).toMatch(/^The other ranks may still commit the step\. /)
  expect(save.whenStopped?.({})).toBe('Nothing was saved.')
})
