import { type CheckpointStore, HoldfastError } from '@holdfast/core'
import type { ChangePlan, RunChange, RunChanges } from './source.ts'

/** Returns the changes that a page may make to a store. */
export function changesOf(store: CheckpointStore, signal: AbortSignal | undefined): RunChanges {
  return {
    plan: (change) => planOf(store, change, signal),
    make: async (change) => {
      switch (change.kind) {
        case 'pin':
          return store.pin(change.step, change.reason, { signal })
        case 'unpin':
          return store.unpin(change.step, { signal })
        case 'rewind':
          await store.rewind(change.step, { signal })
          return
        case 'prune':
          await store.prune({ signal })
      }
    },
  }
}

async function planOf(
  store: CheckpointStore,
  change: RunChange,
  signal: AbortSignal | undefined,
): Promise<ChangePlan> {
  switch (change.kind) {
    case 'pin':
      return { effect: `Step ${change.step} is kept until it is unpinned.`, steps: [] }
    case 'unpin':
      return {
        effect: `Step ${change.step} is kept no longer than retention keeps it. The next save may delete it.`,
        steps: [],
      }
    case 'rewind': {
      const { abandoned } = await store.rewind(change.step, { dryRun: true, signal })
      return {
        effect: `Step ${change.step} becomes the latest. Later saves are abandoned, and their steps are free again.`,
        steps: abandoned.map(({ step, bytes, keptBecause }) => ({
          step,
          bytes,
          because: keptBecause.length === 0 ? 'the next save deletes it' : keptBecause.join(', '),
        })),
      }
    }
    case 'prune': {
      if (!store.hasRetention) throw noRetention(store.url)
      const { dropped, undoUntil } = await store.prune({ dryRun: true, signal })
      return {
        effect: dropped.length === 0 ? 'Retention keeps every checkpoint.' : 'These checkpoints are deleted.',
        steps: dropped.map(({ step, bytes, because }) => ({ step, bytes, because })),
        ...(dropped.length === 0 || undoUntil === undefined ? {} : { undoUntil: undoUntil.getTime() }),
      }
    }
  }
}

function noRetention(url: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    'No retention is configured, so there is nothing to prune by. Set a retention in the configuration, and start the page again.',
    { url },
  )
}
