/**
 * Bundles the package in the working folder before it is packed.
 * `node bundle.ts src/index.ts src/data.ts --include valibot` writes these entry points and the modules that they import
 * into a few files in `bundle/`. Fewer files reduce the start-up time, because Node.js takes longer to find, read and
 * link most modules than to run them. Modules of a package in `--include` are bundled, too. All other packages stay
 * dependencies, so that the command line and the adapters share the classes of one core.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Plugin, rolldown, type RolldownOutput } from 'rolldown'
import ts from 'typescript'
import { licenseText } from './parts/licenses.ts'
import { threadText } from './parts/thread-text.ts'

const { positionals: entries, values } = parseArgs({
  allowPositionals: true,
  options: { include: { type: 'string', multiple: true, default: [] } },
})
if (entries.length === 0)
  throw new Error('No entry points were given. Pass their paths, such as src/index.ts.')
const included = values.include

const folder = 'bundle'
rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({
  input: entries,
  external: isExternal,
  platform: 'node',
  plugins: [threadScript(), lowered(), plainBuiltins()],
})
const { output } = await bundle.write({
  dir: folder,
  format: 'esm',
  sourcemap: true,
  chunkFileNames: '[name].js',
  // Modules that several entry points or commands share are one file.
  codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] },
  // The package contains its sources, too. V8 stores a file in half the memory if it has ASCII characters only.
  comments: { legal: true, annotation: true, jsdoc: false },
  charset: 'ascii',
  banner: versionCheck(),
})
await bundle.close()
if (included.length > 0) writeFileSync(join(folder, 'LICENSES.txt'), licenses(output))

/**
 * Replaces the location of the code of a thread by its text, with all that it imports. A bundler that includes the package
 * would not see that a thread needs another file.
 */
function threadScript(): Plugin {
  return {
    name: 'thread-script',
    async load(id) {
      if (!/[\\/]transfer-script\.ts$/.test(id)) return null
      const input = id.replace(/transfer-script\.ts$/, 'transfer-thread.ts')
      const text = await threadText(input, [lowered()])
      return `export const transferScript = () => ${JSON.stringify(text)}`
    },
  }
}

/** Compiles TypeScript as `tsc` does. Rolldown keeps `using`, which Node.js 22 cannot parse. */
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

/** Returns whether a module stays outside of the bundle. An included package is bundled with its dependencies. */
function isExternal(id: string, importer: string | undefined): boolean {
  if (id.startsWith('node:')) return true
  const isPackage = !id.startsWith('.') && !isAbsolute(id)
  return isPackage && !included.includes(id) && importer?.split(/[\\/]/).includes('node_modules') !== true
}

/**
 * Replaces imports of built-in modules by calls of `process.getBuiltinModule`. An `import` reads every export, and
 * reading some exports loads large parts of Node.js, such as WebCrypto or the standard streams.
 */
function plainBuiltins(): Plugin {
  const builtinImport = /^import (?:([\w$]+)(?:, )?)?(\{.*\}|\* as [\w$]+)? from "(node:.+)";$/gm
  const replacement = (
    _: string,
    whole: string | undefined,
    part: string | undefined,
    name: string,
  ): string =>
    [whole, part?.replace('* as ', '').replaceAll(' as ', ': ')]
      .filter((names) => names !== undefined)
      .map((names) => `const ${names} = globalThis.process.getBuiltinModule("${name}");`)
      .join(' ')
  return {
    name: 'plain-builtins',
    renderChunk: (code) => ({ code: code.replaceAll(builtinImport, replacement), map: null }),
  }
}

/** Returns the code that checks the Node.js version, if the package has it. It runs before all other code. */
function versionCheck(): string {
  const file = 'src/node-version.ts'
  const source = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (source === '' || source.includes('export ')) return ''
  // A block keeps its names separate from those of the bundle. A block must not contain `export`, so that is removed.
  return `{\n${javaScriptOf(source, file).code.replace(/^export \{\};$|^\/\/# .*/gm, '')}}`
}

/** Returns the licenses of the included packages, which a distributor must pass on. */
function licenses(chunks: RolldownOutput['output']): string {
  const modules = chunks.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []))
  const packages = modules.flatMap(
    (id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0] ?? [],
  )
  return [...new Set(packages)].sort().map(licenseText).join('\n')
}
