import { posix } from 'node:path'

/** The pages of `docs/` in the order of the side bar, by group. Pages that are not named here are in the last group. */
export const groups: readonly { readonly text: string; readonly pages: readonly string[] }[] = [
  {
    text: 'Use',
    pages: [
      'start',
      'cookbook',
      'run',
      'watch',
      'library',
      'files',
      'retention',
      'copies',
      'ranks',
      'runs',
      'page',
      'data',
    ],
  },
  {
    text: 'Reference',
    pages: ['words', 'cli', 'configuration', 'errors', 'stores', 'runtimes', 'platforms'],
  },
  {
    text: 'How it works',
    pages: ['promises', 'architecture', 'format', 'serve', 'write-a-backend', 'comparison'],
  },
]

export const repository = 'https://github.com/holdfast-checkpoints/holdfast/blob/main'

/**
 * Returns Markdown of a file of the repository for the site. Links to other files of `docs/` stay; links to files that the site
 * lacks lead to the repository. `folder` is that of the file, relative to the root of the repository.
 */
export function forSite(markdown: string, folder: string): string {
  return outsideCode(markdown, (text) =>
    escaped(text)
      .replaceAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, link: string) => `](${siteLink(link, folder)})`)
      .replaceAll(
        /\b(src|srcset)="([^"]+)"/g,
        (_, name: string, link: string) => `${name}="${siteLink(link, folder)}"`,
      ),
  )
}

function siteLink(link: string, folder: string): string {
  const [path = '', anchor] = link.split('#')
  const target = posix.normalize(posix.join(folder, path))
  const hash = anchor === undefined ? '' : `#${anchor}`
  const page = /^docs\/([^/]+)\.md$/.exec(target)?.[1]
  if (page !== undefined) return `/${page}${hash}`
  if (target.startsWith('docs/pictures/')) return `/${posix.relative('docs', target)}`
  return `${repository}/${target}${hash}`
}

/** VitePress treats `<NAME>` and `{{` in text as markup of Vue. Pictures are the only HTML of the pages. */
function escaped(text: string): string {
  return text
    .split(/(`[^`\n]*`)/)
    .map((part, index) =>
      index % 2 === 0
        ? part.replaceAll(/<(?=\/?[a-zA-Z])(?!\/?(?:https?:|(?:br|picture|source|img)\b))/g, '&lt;')
        : part.includes('{{')
          ? `<code v-pre>${part.slice(1, -1)}</code>`
          : part,
    )
    .join('')
}

/** Applies a change to the text outside of blocks of code. */
function outsideCode(markdown: string, change: (text: string) => string): string {
  return markdown
    .split(/^(```[\s\S]*?^```)/m)
    .map((part, index) => (index % 2 === 1 ? part : change(part)))
    .join('')
}

/** Returns the first heading of a page as plain text, as the side bar shows it. */
export function titleOf(markdown: string): string {
  return (/^# (.*)$/m.exec(markdown)?.[1] ?? '').replaceAll('`', '')
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
