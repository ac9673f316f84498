/** Runs the tests that are meant to run on Windows: `npx -y pnpm@12 test:windows`. They run on every other system, too. */
import { execFileSync } from 'node:child_process'
import { sep } from 'node:path'
import { root } from './parts/checkout.ts'
import { expectNoOptions } from './parts/command-line.ts'
import { excludedFiles, projects } from './parts/windows-tests.ts'

expectNoOptions(import.meta.filename)
// Each project compares patterns with paths below its own folder, or with whole paths.
const folder = root.split(sep).join('/')
const excluded = ['**/*.long.test.ts', ...Object.keys(excludedFiles).map((name) => `${folder}${name}`)]
const words = [
  ...projects.flatMap((name) => ['--project', name]),
  ...excluded.flatMap((pattern) => ['--exclude', pattern]),
]
execFileSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...words], {
  cwd: root,
  stdio: 'inherit',
})
