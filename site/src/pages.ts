import { posix } from 'node:path'

/** The pages of `docs/` in the order of the side bar, by group. Pages that are not named here are in the last group. */
export const groups: readonly { readonly text: string; readonly pages: readonly string[] }[] = [
  { text: 'Use', pages: ['cookbook', 'run', 'watch', 'retention', 'data', 'ranks', 'page'] },
  {
    text: 'Reference',
    pages: ['cli', 'configuration', 'errors', 'stores', 'runtimes', 'platforms'],
  },
  {
    text: 'How it works',
    pages: ['promises', 'architecture', 'format', 'serve', 'write-a-backend', 'comparison'],
  },
]

const repository = 'https://github.com/holdfast-checkpoints/holdfast/blob/main'

/**
 * Returns Markdown of a file of the repository for the site. Links to other files of `docs/` stay; links to files that the site
 * lacks lead to the repository. `folder` is that of the file, relative to the root of the repository.
 */
export function forSite(markdown: string, folder: string): string {
  return outsideCode(markdown, (text) =>
    text.replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, link: string) => `](${siteLink(link, folder)})`),
  )
}

function siteLink(link: string, folder: string): string {
  const [path = '', anchor] = link.split('#')
  const target = posix.normalize(posix.join(folder, path))
  const hash = anchor === undefined ? '' : `#${anchor}`
  const page = /^docs\/([^/]+)\.md$/.exec(target)?.[1]
  if (page !== undefined) return `/${page}${hash}`
  if (/^docs\/[^/]+\.png$/.test(target)) return `/${posix.basename(target)}`
  return `${repository}/${target}${hash}`
}

/** Applies a change to the text outside of blocks of code. */
export function outsideCode(markdown: string, change: (text: string) => string): string {
  return markdown
    .split(/^(```[\s\S]*?^```)/m)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('')
}

/** Returns the first heading of a page. */
export function titleOf(markdown: string): string {
  return /^# (.*)$/m.exec(markdown)?.[1] ?? ''
}

/** Returns the first paragraph of a page, for `llms.txt`. */
export function summaryOf(markdown: string): string {
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gm, '')
  const [, paragraph = ''] = /^# .*\n+((?:[^#`|\n].*\n?)+)/m.exec(prose) ?? []
  return paragraph
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
}
