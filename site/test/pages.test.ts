import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMarkdownRenderer } from 'vitepress'
import { expect, test } from 'vitest'
import { forSite, groups } from '../src/pages.ts'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))
const pages = globSync('*.md', { cwd: docs }).toSorted()
const onSite = (name: string): string => forSite(readFileSync(join(docs, name), 'utf8'), 'docs')

test('the side bar names every page of docs once', () => {
  const named = groups.flatMap((group) => group.pages).toSorted()
  expect(named).toEqual(pages.map((name) => basename(name, '.md')))
})

/** VitePress compiles each page as a component, so a tag of the text that is not closed ends the build. */
test('every page has only tags of HTML, and closes them', async () => {
  const renderer = await createMarkdownRenderer(docs, { highlight: () => '' })
  const ofPages = pages.map((name) => [name, faultsIn(renderer.render(onSite(name)))] as const)
  expect(ofPages.filter(([, faults]) => faults.length > 0)).toEqual([])
})

test('text that looks like a tag is text, and a picture remains a picture', () => {
  const picture = '<picture><source srcset="pictures/a.png"><img src="pictures/b.png"></picture>'
  expect(forSite('holdfast rm <STEP> </STEP> `<b>`', 'docs')).toBe('holdfast rm &lt;STEP> &lt;/STEP> `<b>`')
  expect(forSite(picture, 'docs')).toBe(picture.replaceAll('pictures/', '/pictures/'))
  expect(forSite('`{{ name }}`', 'docs')).toBe('<code v-pre>{{ name }}</code>')
})

test('links lead to pages of the site, to pictures, and otherwise to the repository', () => {
  const link = (target: string): string => forSite(`[a](${target})`, 'docs')
  expect(link('cli.md#jobs')).toBe('[a](/cli#jobs)')
  expect(link('pictures/run-dark.png')).toBe('[a](/pictures/run-dark.png)')
  expect(link('../python/README.md')).toMatch(
    /^\[a\]\(https:\/\/github\.com\/.*\/main\/python\/README\.md\)$/,
  )
  expect(link('https://example.com/a')).toBe('[a](https://example.com/a)')
})

const empty = new Set(['br', 'hr', 'img', 'source', 'input'])

/** Returns the tags that nothing closes, and the ends of tags that nothing opened. */
function faultsIn(html: string): readonly string[] {
  const open: string[] = []
  const faults: string[] = []
  for (const [tag, slash, name = ''] of html.matchAll(/<(\/?)([a-zA-Z][\w-]*)(?:"[^"]*"|[^">])*>/g)) {
    if (slash === '/') {
      if (open.at(-1) === name) open.pop()
      else faults.push(tag)
    } else if (!empty.has(name)) open.push(name)
  }
  return [...faults, ...open]
}
