import { existsSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const foldersIn = (parent: string): readonly string[] =>
  readdirSync(new URL(parent, import.meta.url)).map((name) => `${parent}/${name}`)

const examples = foldersIn('examples').filter((folder) =>
  existsSync(new URL(`${folder}/test`, import.meta.url)),
)

/** A package whose tests need servers starts them in `test/global-setup.ts`: once, and only if its tests run. */
function projectOf(folder: string) {
  const globalSetup = new URL(`${folder}/test/global-setup.ts`, import.meta.url)
  return {
    extends: true as const,
    root: folder,
    test: {
      name: basename(folder),
      globalSetup: existsSync(globalSetup) ? [fileURLToPath(globalSetup)] : [],
    },
  }
}

export default defineConfig({
  test: {
    // No test judges a time: this only ends one that hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Many tests wait for a disk, a server or another process, so one core less would be a core unused.
    maxWorkers: '100%',
    globalSetup: ['./tests/servers/src/run-folder.ts'],
    reporters: [...configDefaults.reporters, './tests/servers/src/summary-reporter.ts'],
    projects: [...foldersIn('packages'), ...examples, ...foldersIn('tests'), 'bench'].map(projectOf),
  },
})
