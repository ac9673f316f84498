/**
 * Compiles the examples of the documentation and of the READMEs of the packages. Those of docs/write-a-backend.md are parts of
 * examples/backend-sqlite, with which a test there compares them.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './parts/checkout.ts'
import { exampleFaults } from './parts/markdown-examples.ts'

const names = globSync(['README.md', 'docs/*.md', 'packages/*/README.md'], { cwd: root }).filter(
  (name) => !name.endsWith('write-a-backend.md'),
)
const faults = exampleFaults(names.map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') })))
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
else console.log(`the examples in ${names.length} pages compile`)
