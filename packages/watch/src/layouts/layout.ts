import type { Contents } from '../folder/contents.ts'

/** The result of inspecting a place that matches a pattern of the layout. */
export type Reading =
  /** Another kind of file or folder. */
  | { readonly state: 'foreign' }
  /** A checkpoint whose writer has not finished, or never will. `missing` completes the sentence "waiting for ...". */
  | { readonly state: 'incomplete'; readonly missing: string }
  | CompleteReading

/** A checkpoint that is complete, as far as its bytes show. */
export interface CompleteReading {
  readonly state: 'complete'
  /** `undefined` if nothing states the step. */
  readonly step: number | undefined
  readonly epoch: number | undefined
  readonly metrics: Readonly<Record<string, number>>
  /** Whether the format or the trainer shows the end of the write. Otherwise only a long quiet period does. */
  readonly isSignalled: boolean
  /**
   * The path, below the checkpoint's folder, of the file that the trainer writes last. A checkpoint that is overwritten
   * in place is complete only after this file has also changed.
   */
  readonly marker?: string | undefined
}

/** A checkpoint format: where its checkpoints are, and how to read one. A description without effects. */
export interface Layout {
  readonly name: string
  /** A title for people, such as `Hugging Face checkpoints (checkpoint-N/trainer_state.json)`. */
  readonly title: string
  /**
   * The paths of checkpoints below the folder, with `/` between parts. `*` matches any part of a name. `{step}` and
   * `{epoch}` match integers, and any other name in braces matches a metric. A pattern that ends with `/` matches
   * folders.
   */
  readonly patterns: readonly string[]
  read(contents: Contents): Promise<Reading>
}

export const foreign: Reading = { state: 'foreign' }

export function incomplete(missing: string): Reading {
  return { state: 'incomplete', missing }
}

/** Returns the step of a checkpoint: its own, else its epoch. */
export function stepOf(facts: {
  readonly step?: number | undefined
  readonly epoch?: number | undefined
}): number | undefined {
  return facts.step ?? facts.epoch
}
