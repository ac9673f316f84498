/**
 * Builds the site from `docs/`, the doc comments of the packages and `site/landing.md`: `npx -y pnpm@12 site [FOLDER]`. It needs no
 * network. The folder, by default `site/dist`, can be served by any static host. `SITE_BASE` is the path below which it is
 * served. Default: `/`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { readArgument } from '../../scripts/parts/command-line.ts'
import { markerName } from './copy-site.ts'
import { documentedPackages } from './entry-points.ts'
import { llmsText } from './llms.ts'
import { forSite, groups, titleOf } from './pages.ts'
import { terminalSvg } from './terminal.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const site = join(root, 'site')
const pages = join(site, '.pages')
const docs = join(root, 'docs')
const base = process.env['SITE_BASE'] ?? '/'
const outDir = resolve(readArgument(import.meta.filename, 'FOLDER') ?? join(site, 'dist'))

rmSync(pages, { recursive: true, force: true })
mkdirSync(join(pages, 'public'), { recursive: true })
const names = readdirSync(docs).filter((name) => name.endsWith('.md'))
for (const name of names)
  writeFileSync(join(pages, name), forSite(readFileSync(join(docs, name), 'utf8'), 'docs'))
cpSync(join(docs, 'pictures'), join(pages, 'public', 'pictures'), { recursive: true })
cpSync(join(site, 'landing.md'), join(pages, 'index.md'))
const demo = readFileSync(join(site, 'demo.txt'), 'utf8')
writeFileSync(join(pages, 'public', 'demo.svg'), terminalSvg('npx -y pnpm@12 demo', demo))
const packages = documentedPackages(root)
writeFileSync(
  join(pages, 'public', markerName),
  'This is the site of Holdfast. site:deploy replaces everything in this folder.\n',
)
writeFileSync(
  join(pages, 'public', 'llms.txt'),
  llmsText({
    base,
    readme: readFileSync(join(root, 'README.md'), 'utf8'),
    pages: names.map((name) => ({
      name: name.slice(0, -'.md'.length),
      markdown: readFileSync(join(docs, name), 'utf8'),
    })),
    packages,
  }),
)
writeReference()
writeConfiguration()
await build(pages)

/** Writes the reference of each entry point from its doc comments. */
function writeReference(): void {
  const manifest = createRequire(import.meta.url).resolve('typedoc/package.json')
  const typedoc = join(dirname(manifest), 'bin', 'typedoc')
  for (const { folder, sources } of packages) {
    const entryPoints = sources.flatMap((source) => ['--entryPoints', source])
    const options = [
      '--plugin',
      'typedoc-plugin-markdown',
      '--readme',
      'none',
      '--hideBreadcrumbs',
      '--disableSources',
    ]
    const place = [
      '--tsconfig',
      join(root, 'packages', folder, 'tsconfig.json'),
      '--out',
      join(pages, 'api', folder),
    ]
    const quiet = ['--logLevel', 'Error', '--skipErrorChecking', '--entryFileName', 'index.md']
    execFileSync(process.execPath, [typedoc, ...entryPoints, ...options, ...place, ...quiet], {
      cwd: site,
      stdio: 'inherit',
    })
  }
  const list = packages.map(({ folder, name }) => `- [${name}](./${folder}/)`)
  writeFileSync(
    join(pages, 'api', 'index.md'),
    `# API\n\nThe reference of each package, from its doc comments.\n\n${list.join('\n')}\n`,
  )
}

function writeConfiguration(): void {
  const item = (page: string) => ({
    text: titleOf(readFileSync(join(docs, `${page}.md`), 'utf8')),
    link: `/${page}`,
  })
  const known = new Set(names.map((name) => name.slice(0, -'.md'.length)))
  const sidebar = groups.map(({ text, pages: inGroup }) => ({
    text,
    items: inGroup.filter((page) => known.has(page)).map(item),
  }))
  const config = {
    title: 'Holdfast',
    description: 'Checkpoints of long-running jobs, saved completely or not at all.',
    base,
    outDir,
    cacheDir: join(site, '.cache'),
    lastUpdated: false,
    themeConfig: {
      search: { provider: 'local' },
      nav: [
        { text: 'Start', link: '/start' },
        { text: 'Cookbook', link: '/cookbook' },
        { text: 'API', link: '/api/' },
        { text: 'Comparison', link: '/comparison' },
      ],
      sidebar: [...sidebar, { text: 'API', items: [{ text: 'By package', link: '/api/' }] }],
    },
  }
  mkdirSync(join(pages, '.vitepress'), { recursive: true })
  writeFileSync(
    join(pages, '.vitepress', 'config.mjs'),
    `export default ${JSON.stringify(config, null, 2)}\n`,
  )
}
