import { type CheckpointFile, type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { digestOfContents } from '../folder/content-digest.ts'

/** The latest checkpoint of a store. */
export interface Latest {
  readonly step: number
  /** Of the names and bytes of its files. Empty if the store cannot read its manifest: it equals no other. */
  readonly digest: string
  readonly files: readonly CheckpointFile[]
}

/** `undefined` if the store has no checkpoint. */
export async function latestOf(store: CheckpointStore, signal: AbortSignal): Promise<Latest | undefined> {
  try {
    const details = await store.get('latest', { signal })
    if (details === undefined) return undefined
    return { step: details.step, digest: digestOfContents(details.files), files: details.files }
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    const listed = await store.list({ signal })
    return { step: listed.at(-1)?.step ?? 0, digest: '', files: [] }
  }
}
