import { type CheckpointDetails, type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { digestOfContents } from '../folder/content-digest.ts'
import type { Snapshot } from '../folder/snapshot.ts'
import { type Existing, recordedFrom } from './decide.ts'

/** The content of the store at a step, as far as an adoption requires it. */
export interface StoredCheckpoint extends Existing {
  readonly step: number
  /** The sizes in bytes by file name. */
  readonly sizes: ReadonlyMap<string, number>
}

/** `undefined` if the store does not list the step or cannot read it. Then a good copy replaces it. */
export async function storedAt(
  store: CheckpointStore,
  step: number | 'latest',
  signal: AbortSignal | undefined,
): Promise<StoredCheckpoint | undefined> {
  let details: CheckpointDetails | undefined
  try {
    details = await store.get(step, { signal })
  } catch (error) {
    if (isHoldfastError(error, 'CORRUPT')) return undefined
    throw error
  }
  // After a rewind, the step is free again, and the next save drops what is left of it.
  if (details === undefined || details.isAbandoned) return undefined
  return {
    step: details.step,
    digest: digestOfContents(details.files),
    from: recordedFrom(details),
    heldBecause: reasonToHold(details),
    sizes: new Map(details.files.map(({ name, size }) => [name, size])),
  }
}

/** A save refuses to replace such a checkpoint. */
function reasonToHold({ pinned, bestOf }: CheckpointDetails): string | undefined {
  if (pinned !== undefined) return 'is pinned'
  return bestOf.length === 0 ? undefined : `is the best ${bestOf.join(' and ')}`
}

/** Returns whether the bytes may be equal, so that comparing them is useful. */
export function mayEqual({ files }: Snapshot, { sizes }: StoredCheckpoint): boolean {
  return files.length === sizes.size && files.every(({ name, size }) => sizes.get(name) === size)
}
