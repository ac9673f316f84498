import { expect, test } from 'vitest'
import { exampleFaults } from '../parts/markdown-examples.ts'

const pageOf = (...lines: readonly string[]): string =>
  ['# Title', '', '```ts', ...lines, '```', ''].join('\n')

test('names the page and the line of an example that does not compile', () => {
  const good = pageOf(
    "import { openStore } from '@holdfast/core'",
    "await using store = await openStore('./runs/a')",
    'await store.latest()',
  )
  const bad = pageOf("import { openStore } from '@holdfast/core'", '', 'await openStor()')
  expect(
    exampleFaults([
      { name: 'docs/good.md', text: good },
      { name: 'docs/bad.md', text: good + bad },
    ]),
  ).toEqual([expect.stringMatching(/^docs\/bad\.md:13: Cannot find name 'openStor'/)])
})
