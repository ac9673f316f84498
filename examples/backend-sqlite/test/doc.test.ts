import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../../', import.meta.url)
const doc = readFileSync(new URL('docs/write-a-backend.md', root), 'utf8')

/** Every block of TypeScript, and the file that the mark before it names. */
const blocks = [...doc.matchAll(/(?:<!-- from (\S+) -->\s*)?```ts\n(.*?)```/gs)].map(
  ([, file, code = '']) => ({ file, code }),
)

test('the page quotes the example, and nothing else', () => {
  expect(blocks.length).toBeGreaterThan(5)
  for (const { file, code } of blocks) {
    if (file === undefined) throw new Error(`No <!-- from FILE --> stands before:\n${code}`)
    expect(readFileSync(new URL(file, root), 'utf8'), file).toContain(code)
  }
})
