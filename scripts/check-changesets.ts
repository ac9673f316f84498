/** Checks that each changeset names only packages that are published. Otherwise no release can be computed. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { changesetsOf, root } from './parts/checkout.ts'

const published = new Set(
  globSync('packages/*/package.json', { cwd: root })
    .map((name) => JSON.parse(readFileSync(join(root, name), 'utf8')) as { name: string; private?: boolean })
    .flatMap(({ name, private: isPrivate = false }) => (isPrivate ? [] : [name])),
)
const files = changesetsOf(root)
const faults = files.flatMap((name) => faultsOf(name, readFileSync(join(root, name), 'utf8')))
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exit(1)
console.log(`${files.length} changesets name published packages`)

function faultsOf(file: string, text: string): readonly string[] {
  const [, header = ''] = /^---\n(.*?)\n---\n/s.exec(text) ?? []
  const names = [...header.matchAll(/^'(.+)': (?:major|minor|patch)$/gm)].map(([, name = '']) => name)
  if (names.length === 0) return [`${file} names no package.`]
  const unknown = names.filter((name) => !published.has(name))
  const twice = names.filter((name, index) => names.indexOf(name) !== index)
  return [
    ...unknown.map((name) => `${file} names ${name}, which is not published from packages/.`),
    ...twice.map((name) => `${file} names ${name} twice.`),
  ]
}
