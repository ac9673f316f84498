/** Runs the tests that are meant to run on Windows: `npx -y pnpm@12 test:windows`. They run on every other system, too. */
import { execFileSync } from 'node:child_process'
import { root } from './checkout.ts'
import { excludedFiles, projects } from './windows-tests.ts'

const words = [
  ...projects.flatMap((name) => ['--project', name]),
  ...['**/*.long.test.ts', ...Object.keys(excludedFiles)].flatMap((pattern) => ['--exclude', pattern]),
]
execFileSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...words], {
  cwd: root,
  stdio: 'inherit',
})
