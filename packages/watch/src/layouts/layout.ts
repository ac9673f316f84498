import type { Contents } from '../folder/contents.ts'

/** What a layout finds in a place that its pattern matches. */
export type Reading =
  /** Another kind of file or folder. */
  | { readonly state: 'foreign' }
  /** A checkpoint whose writer has not finished, or never will. `missing` completes the sentence "waiting for ...". */
  | { readonly state: 'incomplete'; readonly missing: string }
  | CompleteReading

/** A checkpoint that is complete as far as its bytes show. */
export interface CompleteReading {
  readonly state: 'complete'
  /** `undefined` if nothing names one. */
  readonly step: number | undefined
  readonly epoch: number | undefined
  readonly metrics: Readonly<Record<string, number>>
  /**
   * Whether the format or the trainer shows the end of the write. If not, only a long quiet period does.
   */
  readonly isSignalled: boolean
  /**
   * The path, from the checkpoint's folder, of what the trainer writes last. If a checkpoint is written anew in place, it
   * is complete only after this has changed, too.
   */
  readonly marker?: string | undefined
}

/** A checkpoint format: where its checkpoints are, and how one is read. A description without effects. */
export interface Layout {
  readonly name: string
  /** For people, such as `Hugging Face checkpoints (checkpoint-N/trainer_state.json)`. */
  readonly title: string
  /**
   * Paths of checkpoints below the folder, `/` between parts. `*` matches any part of a name, `{step}` and `{epoch}` whole
   * numbers, and any other name in braces the number of a metric. A pattern that ends with `/` matches folders.
   */
  readonly patterns: readonly string[]
  read(contents: Contents): Promise<Reading>
}

export const foreign: Reading = { state: 'foreign' }

export function incomplete(missing: string): Reading {
  return { state: 'incomplete', missing }
}

/** The step of a checkpoint: its own, else its epoch. */
export function stepOf(facts: {
  readonly step?: number | undefined
  readonly epoch?: number | undefined
}): number | undefined {
  return facts.step ?? facts.epoch
}
