/** Runs the conformance suite on a store with the adapter of this checkout: `node conformance.ts s3://bucket/prefix [OPTION...]`. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './parts/checkout.ts'

const packages = { s3: 'adapter-s3', gs: 'adapter-gcs', az: 'adapter-azure' } as const

const words = process.argv.slice(2)
const scheme = (Object.keys(packages) as (keyof typeof packages)[]).find((each) =>
  words.some((word) => word.startsWith(`${each}://`)),
)
// The packages of this checkout do not depend on each other, so the suite finds only an adapter that is named.
const adapter =
  scheme === undefined ? [] : ['--adapter', join(root, 'packages', packages[scheme], 'dist/index.js')]
const main = join(root, 'packages/conformance/src/cli/main.ts')
// An adapter in the command line comes last, so it is used.
const { status } = spawnSync(process.execPath, [main, ...adapter, ...words], { stdio: 'inherit' })
process.exit(status ?? 1)
