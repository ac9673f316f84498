import type { ChangeWriter } from './change-writer.ts'
import { type UndoableOptions, undoForIn } from './undoable.ts'

/** The options of `store.delete()`. */
export interface DeleteOptions extends UndoableOptions {
  /** Whether the best checkpoint of an objective may be deleted. Default: false. */
  readonly allowBest?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** A checkpoint that was deleted at a caller's request. */
export interface DeletedCheckpoint {
  readonly step: number
  readonly because: string
  /** The time until which `undo()` lists it again. `undefined` if its files are deleted at once. */
  readonly undoUntil: Date | undefined
}

/** Deletes checkpoints in one commit, or none of them. */
export async function deleteCheckpoints(
  writer: ChangeWriter,
  steps: readonly number[],
  { allowBest, signal, ...undoable }: DeleteOptions,
): Promise<readonly DeletedCheckpoint[]> {
  const undoFor = undoForIn(undoable)
  const change = { kind: 'delete', steps, because: 'deleted by hand', allowBest, undoFor } as const
  const { dropped, removed } = await writer.free(() => Promise.resolve(change), signal)
  return [
    ...removed.map(({ entry, because, until }) => ({
      step: entry.step,
      because,
      undoUntil: new Date(until),
    })),
    ...dropped.map(({ step, because }) => ({ step, because, undoUntil: undefined })),
  ]
}
