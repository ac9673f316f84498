import { globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** A package whose reference the site has. */
export interface DocumentedPackage {
  /** The name of its folder in `packages/`. */
  readonly folder: string
  readonly name: string
  /** The modules of its entry points. */
  readonly sources: readonly string[]
}

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, unknown>>
}

/** Returns the packages with entry points that a program can import, by their `exports`. */
export function documentedPackages(root: string): readonly DocumentedPackage[] {
  return globSync('packages/*/package.json', { cwd: root })
    .toSorted()
    .map((file) => {
      const place = join(root, dirname(file))
      const { name, exports = {} } = JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest
      const sources = Object.values(exports).flatMap((entry) => sourceOf(entry, place) ?? [])
      return { folder: basename(place), name, sources }
    })
    .filter(({ sources }) => sources.length > 0)
}

/** Returns the module from which an entry point is compiled. A schema or a manifest has none. */
function sourceOf(entry: unknown, place: string): string | undefined {
  const compiled: unknown =
    typeof entry === 'object' && entry !== null ? Reflect.get(entry, 'default') : undefined
  if (typeof compiled !== 'string') return undefined
  return join(place, compiled.replace(/^\.\/dist\//, 'src/').replace(/\.js$/, '.ts'))
}
