import {
  type CheckpointStore,
  copyCheckpoints,
  type CopyOptions,
  type CopyOutcome,
  type CopyReport,
} from '@holdfast/core'
import type { CommandContext } from '../with-store.ts'

/** Copies once, with a bar that shows the progress. */
export async function copyOnce(
  source: CheckpointStore,
  { store, progress }: CommandContext,
  request: CopyOptions,
  print: (outcome: CopyOutcome) => void,
): Promise<CopyReport> {
  const bar = progress('copying')
  try {
    return await copyCheckpoints(source, store, {
      ...request,
      onProgress: ({ bytes, total }) => {
        bar.update(bytes, total)
      },
      onOutcome: print,
    })
  } finally {
    bar.stop()
  }
}
