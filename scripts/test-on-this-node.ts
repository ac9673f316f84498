/**
 * Builds the workspace and runs the tests of `npx -y pnpm@12 test` on the Node.js that runs this script. A script of pnpm always
 * runs on the pinned Node.js: `node scripts/test-on-this-node.ts`.
 */
import { execFileSync } from 'node:child_process'
import { root } from './parts/checkout.ts'

console.log(`Node.js ${process.version}`)
run('typescript/bin/tsc', '-b')
run('vitest/vitest.mjs', 'run', '--exclude', '**/*.long.test.ts')

function run(tool: string, ...words: readonly string[]): void {
  execFileSync(process.execPath, [`node_modules/${tool}`, ...words], { cwd: root, stdio: 'inherit' })
}
