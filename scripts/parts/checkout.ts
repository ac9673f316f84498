import { globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Returns the changesets of a checkout, relative to it. */
export function changesetsOf(checkout: string): readonly string[] {
  return globSync('.changeset/*.md', { cwd: checkout }).filter((name) => !name.endsWith('README.md'))
}
