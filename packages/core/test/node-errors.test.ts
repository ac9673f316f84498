import { expect, test } from 'vitest'
import { nodeErrorCode } from '../src/node-errors.ts'

const unnamed = Object.assign(new Error('structure needs cleaning'), {
  code: 'Unknown system error -117',
  errno: -117,
})

test('names an error of Linux of which Node.js knows only the number', () => {
  expect(nodeErrorCode(unnamed, 'linux')).toBe('EUCLEAN')
})

test.each(['darwin', 'win32'] as const)('does not take a number of %s for one of Linux', (platform) => {
  expect(nodeErrorCode(unnamed, platform)).toBe('Unknown system error -117')
})
