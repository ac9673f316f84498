import { type CheckpointStore, HoldfastError, isHoldfastError, type SaveResult } from '@holdfast/core'
import { takeSnapshot } from '../folder/snapshot.ts'
import type { AdoptionOptions } from '../options.ts'
import type { AdoptedFrom, SaveDecision } from './decide.ts'
import type { WholeCheckpoint } from './inspect.ts'

/** How a checkpoint is saved. */
export interface SaveOptions extends Pick<AdoptionOptions, 'tags' | 'onProgress' | 'signal'> {
  /** The name of the layout. */
  readonly layout: string
  readonly metrics: Readonly<Record<string, number>>
}

/** Saves a complete checkpoint. Returns `undefined` if its files changed meanwhile; then nothing is saved. */
export async function saveWhole(
  store: CheckpointStore,
  whole: WholeCheckpoint,
  { step, onExisting }: SaveDecision,
  { layout, metrics, tags, onProgress, signal }: SaveOptions,
): Promise<SaveResult | undefined> {
  const { candidate, snapshot, reading } = whole
  const { name } = candidate
  const isUnchanged = async (): Promise<boolean> =>
    (await takeSnapshot(candidate))?.fingerprint === snapshot.fingerprint
  try {
    return await store.save({
      step,
      epoch: reading.epoch,
      files: Object.fromEntries(snapshot.files.map((file) => [file.name, file.path])),
      metrics,
      metadata: { watch: { ...adoptedFrom(whole, layout) } },
      tags,
      onExisting,
      keepsOrder: true,
      signal,
      beforeCommit: async () => {
        if (!(await isUnchanged())) throw changed(candidate.path)
      },
      onProgress: (progress) => {
        onProgress?.({ name, ...progress })
      },
    })
  } catch (error) {
    if (isHoldfastError(error, 'FENCED', 'ABORTED') || (await isUnchanged())) throw error
    return undefined
  }
}

function adoptedFrom({ candidate, snapshot }: WholeCheckpoint, layout: string): AdoptedFrom {
  return { name: candidate.name, layout, modifiedAt: new Date(snapshot.modifiedAt).toISOString() }
}

function changed(path: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${path} changed while it was being saved. Nothing was saved. It is saved again once its writer has finished.`,
  )
}
