import { FreedSpace } from '../../space/index.ts'
import type { AttemptId } from '../documents/index.ts'
import type { WholeCatalog } from '../pages/index.ts'
import { spaceHeldBy } from './candidate.ts'
import { unlistedIn } from './unlisted.ts'

/** Returns the space that deleting these attempts frees at least. */
export function freedBy(catalog: WholeCatalog, attempts: ReadonlySet<AttemptId>): FreedSpace {
  const entries = [...catalog.checkpoints.all, ...unlistedIn(catalog)]
  const freed = new FreedSpace(entries.map(spaceHeldBy))
  for (const entry of entries) if (attempts.has(entry.attempt)) freed.delete(spaceHeldBy(entry))
  return freed
}
