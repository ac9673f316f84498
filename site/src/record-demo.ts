/**
 * Runs the demo and writes its output to `site/demo.txt`, from which the site draws a terminal. `npx -y pnpm@12 site:record`
 * calls it.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expectNoOptions } from '../../scripts/parts/command-line.ts'

expectNoOptions(import.meta.filename)
const root = new URL('../../', import.meta.url)
const output = execFileSync(process.execPath, ['examples/training/src/demo.ts'], {
  cwd: fileURLToPath(root),
  env: { ...process.env, FORCE_COLOR: '1' },
  encoding: 'utf8',
})
// The duration depends on the machine and shows nothing.
writeFileSync(new URL('site/demo.txt', root), output.replace(/^.*s in total.*\n/m, ''))
