import type { CatalogEntry, Manifest, Origin } from '../../catalog/documents/index.ts'

/** Returns where a checkpoint of a store with the id `store` was saved first. A copy of a copy has the first origin. */
export function originOf(entry: CatalogEntry, store: string): Origin {
  const { origin, attempt, manifest, order } = entry
  return origin ?? { store, attempt, manifest: manifest.sha256, segment: order.segment }
}

/** Returns whether two origins name the same checkpoint. Its segment can change, since a rewind gives it another one. */
export function isSameOrigin(one: Origin, other: Origin): boolean {
  return one.store === other.store && one.attempt === other.attempt && one.manifest === other.manifest
}

/** Returns whether two checkpoints hold the same files, whatever their origins. */
export function hasSameFiles(one: Manifest, other: Manifest): boolean {
  if (one.files.length !== other.files.length) return false
  const files = new Map(one.files.map((file) => [file.name, file]))
  return other.files.every((file) => {
    const same = files.get(file.name)
    return same?.sha256 === file.sha256 && same.size === file.size
  })
}
