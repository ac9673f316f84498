/**
 * Bundles the package in this folder, before it is packed: `node bundle.ts src/index.ts valibot` puts its own modules and
 * those of the packages named into few files of `bundle/`, since to find, read and link each takes Node.js longer than to
 * run most of them. Whatever else it depends on stays a dependency: the command line and the adapters share the classes
 * of one core.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Plugin, rolldown, type RolldownOutput } from 'rolldown'

const [entry, ...included] = process.argv.slice(2)
if (entry === undefined) throw new Error('Which module is the entry?')

const folder = 'bundle'
rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({
  input: entry,
  external: isExternal,
  platform: 'node',
  plugins: [plainBuiltins()],
})
const { output } = await bundle.write({
  dir: folder,
  format: 'esm',
  sourcemap: true,
  chunkFileNames: '[name].js',
})
await bundle.close()
if (included.length > 0) writeFileSync(join(folder, 'LICENSES.txt'), licenses(output))

/** A package that is named is included with what it depends on itself. */
function isExternal(id: string, importer: string | undefined): boolean {
  if (id.startsWith('node:')) return true
  const isPackage = /^[^./]/.test(id)
  return isPackage && !included.includes(id) && importer?.includes('/node_modules/') !== true
}

/**
 * Asks for built-in modules instead of importing them: an `import` reads every export, and some load what is behind them
 * when they are read, such as all of WebCrypto, or the standard streams.
 */
function plainBuiltins(): Plugin {
  const builtinImport = /^import (?:([\w$]+)(?:, )?)?(\{.*\}|\* as [\w$]+)? from "(node:.+)";$/gm
  const asked = (_: string, whole: string | undefined, part: string | undefined, name: string): string =>
    [whole, part?.replace('* as ', '').replaceAll(' as ', ': ')]
      .filter((names) => names !== undefined)
      .map((names) => `const ${names} = globalThis.process.getBuiltinModule("${name}");`)
      .join(' ')
  return {
    name: 'plain-builtins',
    renderChunk: (code) => ({ code: code.replaceAll(builtinImport, asked), map: null }),
  }
}

/** What the packages that were included ask of whoever passes them on. */
function licenses(chunks: RolldownOutput['output']): string {
  const modules = chunks.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  const packages = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? [])
  return [...new Set(packages)].sort().map(license).join('\n')
}

function license(path: string): string {
  const file = readdirSync(path).find((name) => /^licen[cs]e/i.test(name))
  if (file === undefined) throw new Error(`${path} has no license to pass on.`)
  const { name, version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Record<
    string,
    string
  >
  return `${name} ${version}\n\n${readFileSync(join(path, file), 'utf8')}`
}
