import { expect, test } from 'vitest'
import { minutesOf, type NumberOptions, runGroups, scaleOf } from '../src/index.ts'

test('reads the numbers of the command line', () => {
  expect(scaleOf({ rounds: '3', mebibytes: '2', files: '10', threads: '1,4' })).toEqual({
    rounds: 3,
    bytes: 2 * 2 ** 20,
    files: 10,
    threads: [1, 4],
  })
  expect(scaleOf({})).toEqual({})
  expect(minutesOf({ minutes: '2.5' })).toBe(2.5)
  expect(minutesOf({})).toBeUndefined()
})

test.each<NumberOptions>([
  { rounds: 'x' },
  { rounds: '0' },
  { rounds: '-1' },
  { rounds: '1.5' },
  { rounds: '' },
  { mebibytes: 'x' },
  { files: '1e3' },
  { threads: '1,' },
])('refuses %j', (options) => {
  const [name = ''] = Object.keys(options)
  expect(() => scaleOf(options)).toThrow(`--${name} must be a positive integer, not `)
})

test.each(['x', '0', '-1', '', 'Infinity'])('refuses %j minutes', (minutes) => {
  expect(() => minutesOf({ minutes })).toThrow('--minutes must be a positive number')
})

test.each(['s4', 'toString'])('refuses the group %j before it runs another one', async (name) => {
  const printed: string[] = []
  const selection = { names: ['sampler', name], scale: {}, minutes: undefined, options: [] }
  const running = runGroups(selection, { folder: '/', print: (line) => printed.push(line) })
  await expect(running.next()).rejects.toThrow(`The group ${name} does not exist. Choose among: fs, `)
  expect(printed).toEqual([])
})
