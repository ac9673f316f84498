import { expect, test } from 'vitest'
import { commandOn } from '../parts/command-on-platform.ts'

test('starts a program without a shell on Linux', () => {
  expect(commandOn('linux', 'npx', ['a b', '%'])).toEqual({ file: 'npx', args: ['a b', '%'], shell: false })
})

test('starts a tool through the shell of Windows, and quotes its words', () => {
  const words = ['tsc', '--module', 'C:\\my project\\a.ts', 'a&b', 'vitest@5.1.1']
  expect(commandOn('win32', 'npx', words)).toEqual({
    file: 'npx',
    args: ['tsc', '--module', '"C:\\my project\\a.ts"', '"a&b"', 'vitest@5.1.1'],
    shell: true,
  })
})

test('starts a program with a path without a shell on Windows', () => {
  const node = 'C:\\Program Files\\nodejs\\node.exe'
  expect(commandOn('win32', node, ['--eval', '"x"'])).toEqual({
    file: node,
    args: ['--eval', '"x"'],
    shell: false,
  })
})

test.each(['a"b', '%PATH%'])('refuses the word %s, which the shell of Windows would change', (word) => {
  expect(() => commandOn('win32', 'npx', [word])).toThrow('cannot be quoted')
})
