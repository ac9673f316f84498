import type { Catalog, CommitRecord } from '../../src/catalog/documents/index.ts'

/** Returns the history entry of a version's commit. Each version has a different id. */
export function committedAs(version: number): {
  readonly version: number
  readonly commitId: string
  readonly history: CommitRecord[]
} {
  const commitId = `00000000-0000-4000-8000-${String(version).padStart(12, '0')}`
  return { version, commitId, history: [{ version, commitId, did: 'begin', dropped: [] }] }
}

/** Returns a catalog as the commit of some version would create it. */
export function asCommitted(catalog: Catalog, version: number): Catalog {
  return { ...catalog, ...committedAs(version) }
}
