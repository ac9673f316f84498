import { type CheckpointDetails, type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { digestOfContents } from '../folder/content-digest.ts'
import type { Snapshot } from '../folder/snapshot.ts'
import { type Existing, originOf } from './decide.ts'

/** What the store has at a step, as far as an adoption must know it. */
export interface StoredCheckpoint extends Existing {
  readonly step: number
  /** Bytes by the name of each file. */
  readonly sizes: ReadonlyMap<string, number>
}

/** `undefined` if the store does not list the step, or cannot read it: then a good copy is welcome. */
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
  if (details === undefined) return undefined
  return {
    step: details.step,
    digest: digestOfContents(details.files),
    origin: originOf(details),
    sizes: new Map(details.files.map(({ name, size }) => [name, size])),
  }
}

/** Whether the bytes may be equal, so that it is worth reading them. */
export function mayEqual({ files }: Snapshot, { sizes }: StoredCheckpoint): boolean {
  return files.length === sizes.size && files.every(({ name, size }) => sizes.get(name) === size)
}
