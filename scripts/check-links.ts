/**
 * Checks the links between the Markdown files of the repository: each file and each heading that a relative link names must
 * exist, and so must each source file that the text names. A page of a published package must name files outside of it by their
 * URL. Links to other sites are not requested.
 */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { root } from './parts/checkout.ts'
import { run } from './parts/run-program.ts'

const repository = 'https://github.com/holdfast-checkpoints/holdfast/blob/main/'
const files = globSync(['*.md', '{docs,packages,examples,python,bench,tests,site,scripts}/**/*.md'], {
  cwd: root,
  exclude: (name) =>
    /^(node_modules|\.pages|dist|built|CHANGELOG\.md|landing\.md)$/.test(name.split('/').at(-1) ?? ''),
})
/** The pages that npm and PyPI show. */
const publishedPages = globSync(['packages/*/README.md', 'python/README.md'], { cwd: root })
/** Files of a user that a page names. */
const filesOfUsers = ['dump.py', 'holdfast.config.ts']
const existing = [...filesOfUsers, ...run(root, 'git', 'ls-files').split('\n')].map((path) => `/${path}`)
const anchors = new Map<string, ReadonlySet<string>>()
const faults = files.flatMap((name) => faultsOf(join(root, name)))
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(
  `the links in ${files.length} pages lead to existing files and headings, and the source files that they name exist`,
)

function faultsOf(file: string): readonly string[] {
  const markdown = readFileSync(file, 'utf8')
  return [...faultsOfLinks(file, markdown), ...faultsOfPaths(file, markdown)]
}

/** A page names a source file by the end of its path. */
function faultsOfPaths(file: string, markdown: string): readonly string[] {
  return [...withoutFences(markdown).matchAll(/`([^`\n]*)`/g)]
    .flatMap(([, code = '']) => code.split(' '))
    .filter((word) => /^[\w@./-]+\.(tsx?|py|pem)$/.test(word))
    .filter((path) => !existing.some((known) => known.endsWith(`/${path}`)))
    .map((path) => `${relative(root, file)} names ${path}, which does not exist`)
}

function faultsOfLinks(file: string, markdown: string): readonly string[] {
  return linksIn(markdown).flatMap((link) => {
    const [path = '', anchor] = link.split('#')
    const target = path.startsWith(repository)
      ? join(root, path.slice(repository.length))
      : path === ''
        ? file
        : join(dirname(file), decodeURIComponent(path))
    const place = `${relative(root, file)} links to ${link}`
    if (leavesPackage(file, link, target))
      return [`${place}, which the published package lacks. Write ${repository}${relative(root, target)}.`]
    if (!existsSync(target)) return [`${place}, which does not exist`]
    if (anchor === undefined || statSync(target).isDirectory() || !target.endsWith('.md')) return []
    return anchorsOf(target).has(anchor) ? [] : [`${place}, which has no such heading`]
  })
}

/** Returns whether a relative link of a published package leads out of it. */
function leavesPackage(file: string, link: string, target: string): boolean {
  const isPublished = publishedPages.includes(relative(root, file))
  return isPublished && !link.startsWith(repository) && relative(dirname(file), target).startsWith('..')
}

/** Returns the links to files of the repository. */
function linksIn(markdown: string): readonly string[] {
  const text = withoutCode(markdown)
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link) || link.startsWith(repository))
}

/** Returns the anchors of a page, as GitHub names them. */
function anchorsOf(file: string): ReadonlySet<string> {
  const known = anchors.get(file)
  if (known !== undefined) return known
  const found = new Set<string>()
  for (const [, heading = ''] of withoutFences(readFileSync(file, 'utf8')).matchAll(/^#+ +(.*)$/gm)) {
    const plain = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
    const slug = plain.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')
    const repeated = [...found].filter(
      (each) => each === slug || new RegExp(`^${slug}-\\d+$`).test(each),
    ).length
    found.add(repeated === 0 ? slug : `${slug}-${repeated}`)
  }
  anchors.set(file, found)
  return found
}

function withoutCode(markdown: string): string {
  return withoutFences(markdown).replaceAll(/`[^`\n]*`/g, '')
}

function withoutFences(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```/gm, '')
}
