import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../../', import.meta.url)
const doc = readFileSync(new URL('docs/write-a-backend.md', root), 'utf8')

/** Every TypeScript block of the guide, with the file that the comment before it names. */
const blocks = [...doc.matchAll(/(?:<!-- from (\S+) -->\s*)?```ts\n(.*?)```/gs)].map(
  ([, file, code = '']) => ({ file, code }),
)

test('every code block of the guide is quoted from the example', () => {
  expect(blocks.length).toBeGreaterThan(5)
  for (const { file, code } of blocks) {
    if (file === undefined) throw new Error(`<!-- from FILE --> is missing before this block:\n${code}`)
    expect(readFileSync(new URL(file, root), 'utf8'), file).toContain(code)
  }
})
