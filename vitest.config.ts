import { existsSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const foldersIn = (parent: string): readonly string[] =>
  readdirSync(new URL(parent, import.meta.url), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [`${parent}/${entry.name}`] : [],
  )

const examples = foldersIn('examples').filter((folder) =>
  existsSync(new URL(`${folder}/test`, import.meta.url)),
)

/** Returns the project of a package. A `test/global-setup.ts` runs once, only if tests of the package run. */
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
    // The timeout is long, because its only purpose is to end a test that hangs, also on a slow and busy machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // One worker per core. Many tests wait for a disk, a server or another process, so fewer workers would leave cores idle.
    maxWorkers: '100%',
    globalSetup: ['./tests/runner/src/run-folder.ts'],
    reporters: [...configDefaults.reporters, './tests/runner/src/summary-reporter.ts'],
    projects: [...foldersIn('packages'), ...examples, ...foldersIn('tests'), 'bench', 'site', 'scripts'].map(
      projectOf,
    ),
  },
})
