/**
 * Bundles the package in this folder before it is packed. `node bundle.ts src/index.ts src/data.ts --include valibot`
 * writes each of these modules, with everything that it imports, into few files of `bundle/`: Node.js takes longer to
 * find, read and link a module than to run most of them. Modules of an included package go in, too. Every other package
 * stays a dependency, so that the command line and the adapters share the classes of one core.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Plugin, rolldown, type RolldownOutput } from 'rolldown'
import ts from 'typescript'

const { positionals: entries, values } = parseArgs({
  allowPositionals: true,
  options: { include: { type: 'string', multiple: true, default: [] } },
})
if (entries.length === 0) throw new Error('Pass the modules that are entry points.')
const included = values.include

const folder = 'bundle'
rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({
  input: entries,
  external: isExternal,
  platform: 'node',
  plugins: [lowered(), plainBuiltins()],
})
const { output } = await bundle.write({
  dir: folder,
  format: 'esm',
  sourcemap: true,
  chunkFileNames: '[name].js',
  banner: versionCheck(),
})
await bundle.close()
if (included.length > 0) writeFileSync(join(folder, 'LICENSES.txt'), licenses(output))

/** Compiles as `tsc` does, since rolldown leaves `using` as it is, and Node.js 22 cannot parse it. */
function lowered(): Plugin {
  return {
    name: 'lowered',
    transform: (code, id) => (id.endsWith('.ts') ? { ...javaScriptOf(code, id), moduleType: 'js' } : null),
  }
}

function javaScriptOf(code: string, fileName: string): { readonly code: string; readonly map: string } {
  const { ScriptTarget, ModuleKind } = ts
  const compilerOptions = {
    target: ScriptTarget.ES2024,
    module: ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    sourceMap: true,
  }
  const { outputText, sourceMapText = '' } = ts.transpileModule(code, { fileName, compilerOptions })
  return { code: outputText, map: sourceMapText }
}

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

/** The check of the Node.js version, if the package has one that runs by itself: it comes before every other line. */
function versionCheck(): string {
  const file = 'src/node-version.ts'
  const source = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (source === '' || source.includes('export ')) return ''
  // A block, so that its names do not meet others; the marks of a module cannot stand in one.
  return `{\n${javaScriptOf(source, file).code.replace(/^export \{\};$|^\/\/# .*/gm, '')}}`
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
