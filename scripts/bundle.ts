/**
 * Bundles the package in this folder, before it is packed: `node bundle.ts src/index.ts` puts its own modules into few
 * files of `bundle/`, since to find, read and link each takes Node.js longer than to run most of them. What it depends
 * on stays a dependency: the command line and the adapters share the classes of one core.
 */
import { rmSync } from 'node:fs'
import { rolldown } from 'rolldown'

const [entry] = process.argv.slice(2)
if (entry === undefined) throw new Error('Which module is the entry?')

const folder = 'bundle'
rmSync(folder, { recursive: true, force: true })
const bundle = await rolldown({ input: entry, external: /^[^./]/, platform: 'node' })
await bundle.write({ dir: folder, format: 'esm', sourcemap: true, chunkFileNames: '[name].js' })
await bundle.close()
