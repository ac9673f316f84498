import { join, resolve, sep } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyFault } from '../src/backend.ts'
import { assertFileNames, fileNameFault } from '../src/catalog/documents/file-names.ts'

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '',
        '/',
        '\\',
        '\0',
        'a',
        'a/b',
        '~',
        'C:',
        '%2e%2e',
        'manifest.json',
        '\ud800',
      ),
      fc.string({ maxLength: 8 }),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join('/'))

test('no name that is taken leaves the folder that it is joined to', () => {
  fc.assert(
    fc.property(hostile, (name) => {
      if (fileNameFault(name) !== undefined) return
      const root = resolve('/root/of/the/restore')
      expect(join(root, ...name.split('/')).startsWith(root + sep)).toBe(true)
      expect(keyFault(name)).toBeUndefined()
    }),
    { numRuns: 5000 },
  )
})

test.each(['model.pth', 'a/b/c.bin', 'with space', '...', '.hidden', 'ünïcödé', 'a%2Fb', '日本語.bin'])(
  '%j is a name',
  (name) => {
    expect(fileNameFault(name)).toBeUndefined()
  },
)

test('two names that would meet on some file system are refused together', () => {
  expect(() => {
    assertFileNames(['Model.pth', 'model.pth'])
  }).toThrow('side by side')
  expect(() => {
    assertFileNames(['a', 'A/b'])
  }).toThrow('side by side')
  expect(() => {
    assertFileNames(['a/b', 'a/c', 'ab'])
  }).not.toThrow()
})
