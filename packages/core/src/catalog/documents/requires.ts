import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'

/** The features of the format that a document may require. docs/format.md describes them. */
export type Feature = 'packs' | 'inline' | 'copies' | 'rewinds' | 'undo'

/** The features that this version of Holdfast implements. */
const implemented: ReadonlySet<string> = new Set<Feature>(['packs', 'inline', 'copies', 'rewinds', 'undo'])

/**
 * The features that a version of the catalog requires only while it uses them, so that older versions of Holdfast can read
 * the later ones.
 */
const temporary: ReadonlySet<string> = new Set<Feature>(['undo'])

/** The names of the features that a reader must know to interpret the document correctly. */
export const requiresSchema = v.array(v.string())

/** Throws `UNSUPPORTED` if a document requires a feature that this version does not implement. */
export function refuseUnknownFeatures(body: unknown, where: string): void {
  if (typeof body !== 'object' || body === null || !('requires' in body)) return
  const requires = v.safeParse(requiresSchema, body.requires)
  if (!requires.success) return // the schema of the document reports this fault
  const unknown = requires.output.filter((feature) => !implemented.has(feature))
  if (unknown.length === 0) return
  const names = unknown.map((feature) => JSON.stringify(feature)).join(', ')
  throw new HoldfastError(
    'UNSUPPORTED',
    `${where} requires ${names}, which this version of Holdfast does not implement. ` +
      'A newer version of Holdfast wrote it. Update Holdfast.',
  )
}

/** The members that depend on a feature. The document must require one of the features of each member that it uses. */
export type Uses = readonly (readonly [isUsed: boolean, member: string, ...features: readonly Feature[]])[]

/** Names the first member that is used without its feature, as the end of a sentence; `undefined` if there is none. */
export function featureFault(requires: readonly string[], uses: Uses): string | undefined {
  for (const [isUsed, member, ...features] of uses) {
    if (isUsed && !features.some((feature) => requires.includes(feature)))
      return `uses ${member} and does not require ${features.join(' or ')}`
  }
  return undefined
}

/** Returns the features that a document keeps requiring, and those of the members that it uses. */
export function requiring(requires: readonly string[], uses: Uses): string[] {
  const all = requires.filter((feature) => !temporary.has(feature))
  for (const [isUsed, , ...features] of uses) {
    const [first] = features
    if (isUsed && first !== undefined && !features.some((feature) => all.includes(feature))) all.push(first)
  }
  return all
}
