import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

/** If this fails, record the demo again: `npx -y pnpm@12 site:record`. */
test('the recorded terminal has the headings and the results of the demo', () => {
  const recorded = stripVTControlCharacters(read('site/demo.txt'))
  const demo = read('examples/training/src/demo.ts')
  const [introduction] = /(?<=say\(styleText\('bold', ')[^']+/.exec(demo) ?? []
  const headings = [...demo.matchAll(/^heading\('(.+)'\)$/gm)].map(([, heading]) => heading)
  expect(headings.length).toBeGreaterThan(3)
  expect(recorded.match(/^\S.*$/gm)).toEqual([introduction, ...headings])
  const results = demo.match(/'✓'/g)
  expect(recorded.match(/^ +✓/gm)).toHaveLength(results?.length ?? 0)
  expect(recorded).not.toContain('✗')
})
