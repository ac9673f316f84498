/**
 * `npx -y pnpm@12 release:version` computes the next version from the changesets, and writes it into every package, that of
 * Python included.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './parts/checkout.ts'
import { expectNoOptions } from './parts/command-line.ts'
import { run } from './parts/run-program.ts'

expectNoOptions(import.meta.filename)
run(root, 'changeset', 'version')
run(root, 'pnpm', 'install', '--lockfile-only')
const manifest = readFileSync(join(root, 'packages/cli/package.json'), 'utf8')
const { version } = JSON.parse(manifest) as { readonly version: string }
const file = join(root, 'python/src/holdfast_checkpoints/_version.py')
writeFileSync(file, readFileSync(file, 'utf8').replace(/^__version__ = .*$/m, `__version__ = "${version}"`))
console.log(`the next version is ${version}`)
