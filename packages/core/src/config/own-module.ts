import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'
import { fieldOf } from '../backend/index.ts'

const packageName = '@holdfast/core'

/**
 * Returns the file of a module by its `import.meta.url`. Returns `undefined` if the file does not exist here: a bundler removed
 * the URL, or wrote that of the machine on which it ran.
 */
export function moduleFile(url: unknown): string | undefined {
  if (typeof url !== 'string' || !url.startsWith('file:')) return undefined
  const file = fileURLToPath(url)
  return existsSync(file) ? file : undefined
}

/** Returns whether a module of this package was bundled into another program, where it does not find other packages. */
export function isBundled(file: string | undefined): boolean {
  if (file === undefined) return true
  const manifest = nearestManifest(dirname(file))
  return manifest === undefined || fieldOf(JSON.parse(readFileSync(manifest, 'utf8')), 'name') !== packageName
}

function nearestManifest(folder: string): string | undefined {
  const manifest = join(folder, 'package.json')
  if (existsSync(manifest)) return manifest
  return dirname(folder) === folder ? undefined : nearestManifest(dirname(folder))
}
