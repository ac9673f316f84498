import { encodeRewind, newRewindId, rewindKey } from '../documents/index.ts'
import type { PagedCatalog } from '../pages/index.ts'
import type { Change } from './changes/index.ts'

/** A document to write before the version that it belongs to. */
export interface NewDocument {
  readonly key: string
  readonly bytes: Uint8Array
}

/**
 * The document of a rewind, from which a repair learns of it if the catalog is lost. `next` is the version that follows
 * `newest` with the change. Other changes have none.
 */
export function rewindDocument(
  newest: PagedCatalog,
  next: PagedCatalog,
  change: Change,
  token: string,
): readonly NewDocument[] {
  if (change.kind !== 'rewind') return []
  const target = newest.checkpoints.get(change.step)
  const { rewound, committedAt } = next
  if (target === undefined || rewound === undefined) return []
  const id = newRewindId(newest.version, token)
  const rewind = {
    rewind: id,
    attempt: target.attempt,
    from: target.order,
    to: rewound,
    at: committedAt,
  }
  return [{ key: rewindKey(id), bytes: encodeRewind(rewind) }]
}
