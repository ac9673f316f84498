import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Bundles a program with everything that it imports into one module for Node.js, and returns the path of the module. */
export type Bundler = (entry: string, folder: string) => Promise<string>

/** Returns the path of a program that the tests bundle. */
export function programOf(name: string): string {
  return fileURLToPath(new URL(`../../programs/${name}.js`, import.meta.url))
}

/** Bundlers are loaded when they are used, because loading one takes a second. */
export const bundlers = {
  'esbuild, as an ES module': async (entry, folder) => {
    const { build } = await import('esbuild')
    const outfile = join(folder, 'main.mjs')
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      // Packages in CommonJS call `require`, which an ES module lacks.
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
      logLevel: 'error',
    })
    return outfile
  },
  'esbuild, as CommonJS': async (entry, folder) => {
    const { build } = await import('esbuild')
    const outfile = join(folder, 'main.cjs')
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      // Holdfast expects that a bundle in CommonJS has no `import.meta.url`.
      logOverride: { 'empty-import-meta': 'silent' },
      logLevel: 'error',
    })
    return outfile
  },
  'Vite SSR': async (entry, folder) => {
    const { build } = await import('vite')
    await build({
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: {
        ssr: entry,
        outDir: folder,
        emptyOutDir: false,
        rolldownOptions: { output: { entryFileNames: '[name].mjs' } },
      },
    })
    return join(folder, `${basename(entry, '.js')}.mjs`)
  },
  webpack: async (entry, folder) => {
    const { default: webpack } = await import('webpack')
    const compiler = webpack({
      entry,
      mode: 'production',
      target: 'node',
      output: { path: folder, filename: 'main.cjs' },
      optimization: { minimize: false },
    })
    await new Promise<void>((resolve, reject) => {
      compiler.run((failure, stats) => {
        const problems = stats?.toString({ all: false, errors: true, warnings: true }) ?? ''
        if (failure !== null) reject(failure)
        else if (problems === '') resolve()
        else reject(new Error(problems))
      })
    })
    return join(folder, 'main.cjs')
  },
} as const satisfies Readonly<Record<string, Bundler>>
