import type { Catalog, CommitRecord } from '../../src/catalog/documents/index.ts'

/** What the commit of a version says of itself; each version has an id of its own. */
export function committedAs(version: number): {
  readonly version: number
  readonly commitId: string
  readonly history: CommitRecord[]
} {
  const commitId = `00000000-0000-4000-8000-${String(version).padStart(12, '0')}`
  return { version, commitId, history: [{ version, commitId, did: 'begin', dropped: [] }] }
}

/** A catalog as some version of it is committed. */
export function asCommitted(catalog: Catalog, version: number): Catalog {
  return { ...catalog, ...committedAs(version) }
}
