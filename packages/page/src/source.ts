import type { CheckpointPage, DifferencePage, TensorsPage } from './checkpoint-page.ts'
import type { RunPage } from './run-page.ts'
import type { RunsPage } from './runs-page.ts'

/** What the page of one run asks for. */
export interface RunSource {
  read(): Promise<RunPage>
  checkpoint(step: number): Promise<CheckpointPage>
  tensors(step: number): Promise<TensorsPage>
  /** Compares two checkpoints by their steps. */
  difference(before: number, after: number): Promise<DifferencePage>
  /** Changes the run. Absent if the page may only read. */
  readonly changes?: RunChanges | undefined
}

/** The changes that a page may make. */
export interface RunChanges {
  /** Returns what a change would do. Changes nothing. */
  plan(change: RunChange): Promise<ChangePlan>
  make(change: RunChange): Promise<void>
}

/** What the page of all runs below a prefix asks for. */
export interface RunsSource {
  list(): Promise<RunsPage>
  /** Opens a run by its name. Rejects with `NOT_FOUND` if there is none. */
  open(name: string): Promise<RunSource>
}

/** A change of one run. */
export type RunChange =
  | { readonly kind: 'pin'; readonly step: number; readonly reason?: string | undefined }
  | { readonly kind: 'unpin' | 'rewind'; readonly step: number }
  | { readonly kind: 'prune' }

/** What a change would do. */
export interface ChangePlan {
  /** One sentence about the change. */
  readonly effect: string
  /** The checkpoints that it would delete or abandon, with reasons. */
  readonly steps: readonly { readonly step: number; readonly bytes: number; readonly because: string }[]
  /** The time until which the change could be undone if it were made now. Absent if it cannot be undone. */
  readonly undoUntil?: number | undefined
}
