/**
 * Builds the site into `site/dist` from `docs/`, the doc comments of the packages and `site/landing.md`. It needs no network.
 * Any static host can serve the folder. `SITE_BASE` is the path below which it is served. Default: `/`.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vitepress'
import { forSite, groups, summaryOf, titleOf } from './pages.ts'
import { terminalSvg } from './terminal.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const site = join(root, 'site')
const pages = join(site, '.pages')
const docs = join(root, 'docs')

rmSync(pages, { recursive: true, force: true })
mkdirSync(join(pages, 'public'), { recursive: true })
const names = readdirSync(docs).filter((name) => name.endsWith('.md'))
for (const name of names)
  writeFileSync(join(pages, name), forSite(readFileSync(join(docs, name), 'utf8'), 'docs'))
cpSync(join(docs, 'pictures'), join(pages, 'public', 'pictures'), { recursive: true })
cpSync(join(site, 'landing.md'), join(pages, 'index.md'))
const demo = readFileSync(join(site, 'demo.txt'), 'utf8')
writeFileSync(join(pages, 'public', 'demo.svg'), terminalSvg('npx -y pnpm@12 demo', demo))
writeFileSync(join(pages, 'public', 'llms.txt'), llmsText())
writeReference()
writeConfiguration()
await build(pages)

/** Writes the reference of each entry point from its doc comments. */
function writeReference(): void {
  const entries = {
    core: ['core/src/index.ts', 'core/src/backend.ts', 'core/src/data.ts'],
    conformance: ['conformance/src/index.ts'],
    watch: ['watch/src/index.ts'],
    page: ['page/src/index.ts'],
    opentelemetry: ['opentelemetry/src/index.ts'],
    'adapter-fs': ['adapter-fs/src/index.ts'],
    'adapter-s3': ['adapter-s3/src/index.ts'],
    'adapter-gcs': ['adapter-gcs/src/index.ts'],
    'adapter-azure': ['adapter-azure/src/index.ts'],
  }
  const manifest = createRequire(import.meta.url).resolve('typedoc/package.json')
  const typedoc = join(dirname(manifest), 'bin', 'typedoc')
  for (const [name, files] of Object.entries(entries)) {
    const sources = files.flatMap((file) => ['--entryPoints', join(root, 'packages', file)])
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
      join(root, 'packages', name, 'tsconfig.json'),
      '--out',
      join(pages, 'api', name),
    ]
    const quiet = ['--logLevel', 'Error', '--skipErrorChecking', '--entryFileName', 'index.md']
    execFileSync(process.execPath, [typedoc, ...sources, ...options, ...place, ...quiet], {
      cwd: site,
      stdio: 'inherit',
    })
  }
  const list = Object.keys(entries).map((name) => `- [@holdfast/${name}](./${name}/)`)
  writeFileSync(
    join(pages, 'api', 'index.md'),
    `# API\n\nThe reference of each package, from its doc comments.\n\n${list.join('\n')}\n`,
  )
}

function llmsText(): string {
  const lines = names.map((name) => {
    const text = readFileSync(join(docs, name), 'utf8')
    return `- [${titleOf(text)}](/${name.replace(/md$/, 'html')}): ${summaryOf(text)}`
  })
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  return `# Holdfast\n\n> ${summaryOf(readme)}\n\n## Pages\n\n${lines.join('\n')}\n`
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
    base: process.env['SITE_BASE'] ?? '/',
    outDir: join(site, 'dist'),
    cacheDir: join(site, '.cache'),
    lastUpdated: false,
    themeConfig: {
      search: { provider: 'local' },
      nav: [
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
