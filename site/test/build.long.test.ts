import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const build = fileURLToPath(new URL('../src/build.ts', import.meta.url))

/** Builds the site for a path, and returns its folder. */
function built(base: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-site-'))
  execFileSync(process.execPath, [build, folder], {
    env: { ...process.env, SITE_BASE: base },
    stdio: 'pipe',
    maxBuffer: 2 ** 26,
  })
  return folder
}

/** Returns the links of a site that lead nowhere: to no file, or to no heading. */
function deadLinks(folder: string, base: string): readonly string[] {
  const pages = globSync('**/*.html', { cwd: folder }).filter((name) => name !== '404.html')
  const ids = new Map<string, ReadonlySet<string>>()
  const idsOf = (file: string): ReadonlySet<string> => {
    const known = ids.get(file)
    if (known !== undefined) return known
    const found = new Set(
      [...readFileSync(file, 'utf8').matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id),
    )
    ids.set(file, found)
    return found
  }
  return pages.flatMap((page) =>
    internalLinks(readFileSync(join(folder, page), 'utf8'))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        if (path !== '' && !path.startsWith(base)) return true
        const file = path === '' ? join(folder, page) : fileAt(join(folder, path.slice(base.length)))
        if (file === undefined) return true
        return anchor !== undefined && anchor !== '' && !idsOf(file).has(decodeURIComponent(anchor))
      })
      .map((link) => `${page}: ${link}`),
  )
}

/** Returns the links of a page to the same site. Those of VitePress are absolute. */
function internalLinks(html: string): readonly string[] {
  return [...html.matchAll(/\s(?:href|src)="([/#][^"]*)"/g)]
    .map(([, link = '']) => link.replaceAll('&amp;', '&'))
    .filter((link) => !link.startsWith('//'))
}

/** Returns the file that a static host sends for a path. */
function fileAt(path: string): string | undefined {
  const candidates = [path, `${path}.html`, join(path, 'index.html')]
  return candidates.find((each) => existsSync(each) && statSync(each).isFile())
}

test.each(['/', '/holdfast/'])(
  'every link of the site that is built for the path %s leads somewhere',
  (base) => {
    const folder = built(base)
    expect(deadLinks(folder, base)).toEqual([])
    const llms = readFileSync(join(folder, 'llms.txt'), 'utf8')
    const links = [...llms.matchAll(/\]\((\/[^)]+)\)/g)].map(([, link = '']) => link)
    expect(links.length).toBeGreaterThan(25)
    for (const link of links) {
      expect(link.startsWith(base), link).toBe(true)
      expect(fileAt(join(folder, link.slice(base.length))), link).toBeDefined()
    }
    for (const name of ['emulators', 'conformance', 'core'])
      expect(llms).toContain(`${base}api/${name}/index.html`)
  },
)
