import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'

/** Features of the format that a document may require. docs/format.md says what each allows. */
export type Feature = 'packs' | 'copies' | 'rewinds'

/** The features that this version of Holdfast implements. */
const implemented: ReadonlySet<string> = new Set<Feature>(['copies'])

/** The names of the features without which a document would be misread. */
export const requiresSchema = v.array(v.string())

/** Throws `UNSUPPORTED` for the body of a document that requires a feature which this version does not implement. */
export function refuseUnknownFeatures(body: unknown, where: string): void {
  if (typeof body !== 'object' || body === null || !('requires' in body)) return
  const requires = v.safeParse(requiresSchema, body.requires)
  if (!requires.success) return // the document's own schema reports it
  const unknown = requires.output.filter((feature) => !implemented.has(feature))
  if (unknown.length === 0) return
  const names = unknown.map((feature) => JSON.stringify(feature)).join(', ')
  throw new HoldfastError(
    'UNSUPPORTED',
    `${where} requires ${names}, which this version of Holdfast does not implement. ` +
      'A newer version of Holdfast wrote it. Update Holdfast.',
  )
}

/** Members that a document uses, each with the features of which it must require one. */
export type Uses = readonly (readonly [isUsed: boolean, member: string, ...features: readonly Feature[]])[]

/** Names the first member that is used without its feature, as the end of a sentence; `undefined` if there is none. */
export function featureFault(requires: readonly string[], uses: Uses): string | undefined {
  for (const [isUsed, member, ...features] of uses) {
    if (isUsed && !features.some((feature) => requires.includes(feature)))
      return `uses ${member} and does not require ${features.join(' or ')}`
  }
  return undefined
}

/** Returns the features that a document requires already, and those that the members which it uses need. */
export function requiring(requires: readonly string[], uses: Uses): string[] {
  const all = [...requires]
  for (const [isUsed, , ...features] of uses) {
    const [first] = features
    if (isUsed && first !== undefined && !features.some((feature) => all.includes(feature))) all.push(first)
  }
  return all
}
