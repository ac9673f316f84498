import { type CheckpointDetails, type CheckpointStore, HoldfastError } from '@holdfast/core'
import { checkpointPageOf, differencePageOf, tensorsPageOf } from './collect-checkpoint.ts'
import { collectRun } from './collect-run.ts'
import type { RunPage } from './run-page.ts'
import type { RunSource } from './source.ts'
import { changesOf } from './store-changes.ts'

export interface StoreSourceOptions {
  /** Lets the page pin, unpin, rewind and prune. */
  readonly write: boolean
  readonly now: () => Date
  readonly signal?: AbortSignal | undefined
}

/** Milliseconds after which the run is read again even if its catalog is the same. Space and waiting ranks change without it. */
const longestUse = 10_000

/** Returns what the page of a run asks for, from its store. */
export function sourceOf(store: CheckpointStore, { write, now, signal }: StoreSourceOptions): RunSource {
  let known: { readonly version: number; readonly page: RunPage } | undefined
  const details = async (step: number): Promise<CheckpointDetails> => {
    const found = await store.get(step, { signal })
    if (found !== undefined) return found
    throw new HoldfastError('NOT_FOUND', `Step ${step} is not saved.`, { url: store.url })
  }
  return {
    read: async () => {
      // One list request shows whether anything has changed.
      const version = (await store.history({ signal })).at(-1)?.version ?? 0
      const isFresh = known?.version === version && now().getTime() - known.page.readAt < longestUse
      if (known === undefined || !isFresh)
        known = { version, page: await collectRun(store, { now: now(), signal }) }
      return known.page
    },
    checkpoint: async (step) => checkpointPageOf(await details(step)),
    tensors: async (step) => tensorsPageOf(await store.tensors(step, { signal })),
    difference: async (before, after) => {
      const one = await details(before)
      const other = await details(after)
      const tensors = [
        await store.tensors(before, { signal }),
        await store.tensors(after, { signal }),
      ] as const
      return differencePageOf([one, other], tensors)
    },
    ...(write ? { changes: changesOf(store, signal) } : {}),
  }
}
