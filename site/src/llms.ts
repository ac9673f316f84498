import type { DocumentedPackage } from './entry-points.ts'
import { repository, summaryOf, titleOf } from './pages.ts'

/** What `llms.txt` lists. */
export interface Contents {
  /** The path below which the site is served, such as `/holdfast/`. */
  readonly base: string
  readonly readme: string
  /** The pages of `docs/`, by name without an ending. */
  readonly pages: readonly { readonly name: string; readonly markdown: string }[]
  readonly packages: readonly DocumentedPackage[]
}

/** Returns `llms.txt` (https://llmstxt.org): what the project is, and a line for each page. */
export function llmsText({ base, readme, pages, packages }: Contents): string {
  const docs = pages.map(
    ({ name, markdown }) => `- [${titleOf(markdown)}](${base}${name}.html): ${summaryOf(markdown)}`,
  )
  const api = packages.map(({ folder, name }) => `- [${name}](${base}api/${folder}/index.html)`)
  const others = [
    `- [The package for Python](${repository}/python/README.md)`,
    `- [Examples](${repository}/examples/README.md)`,
  ]
  const sections = [
    ['Pages', docs],
    ['API', api],
    ['More', others],
  ] as const
  const text = sections.map(([title, lines]) => `## ${title}\n\n${lines.join('\n')}\n`)
  return `# Holdfast\n\n> ${summaryOf(readme)}\n\n${text.join('\n')}`
}
