import { join, resolve, sep } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyFault } from '../../src/backend.ts'
import { assertFileNames, fileNameFault } from '../../src/catalog/documents/file-names.ts'

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

test('accepts no name that leads out of the folder to which it is joined', () => {
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
  'accepts the name %j',
  (name) => {
    expect(fileNameFault(name)).toBeUndefined()
  },
)

test('rejects two names that are the same on some file system', () => {
  expect(() => {
    assertFileNames(['Model.pth', 'model.pth'])
  }).toThrow('cannot exist together')
  expect(() => {
    assertFileNames(['a', 'A/b'])
  }).toThrow('cannot exist together')
  expect(() => {
    assertFileNames(['a/b', 'a/c', 'ab'])
  }).not.toThrow()
})
