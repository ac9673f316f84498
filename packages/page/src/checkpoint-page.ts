/** One checkpoint as the page shows it, as JSON. Long lists and texts are cut, so that a page of any checkpoint is small. */
export interface CheckpointPage {
  readonly step: number
  readonly epoch?: number
  readonly savedAt: number
  readonly bytes: number
  readonly saving?: number
  readonly kept: readonly string[]
  readonly tags: readonly string[]
  readonly pinned?: { readonly at: number; readonly reason?: string }
  readonly files: Cut<{ readonly name: string; readonly size: number; readonly sha256: string }>
  readonly metrics: Cut<{ readonly name: string; readonly value: string }>
  readonly metadata?: CutText
  readonly dataState?: CutText
}

/** The tensors of a checkpoint, by file. */
export interface TensorsPage {
  readonly files: readonly {
    readonly file: string
    readonly format: string
    /** Why its tensors cannot be read. */
    readonly problem?: string
    readonly tensors: Cut<{ readonly name: string; readonly type: string; readonly shape: string }>
  }[]
}

/** How two checkpoints differ. What is the same is only counted. */
export interface DifferencePage {
  readonly before: number
  readonly after: number
  readonly groups: readonly {
    readonly title: string
    readonly items: Cut<ChangedItem>
  }[]
  readonly sameFiles: number
  readonly hasSameDataState: boolean
}

export interface ChangedItem {
  readonly change: 'added' | 'removed' | 'changed'
  readonly name: string
  readonly before?: string
  readonly after?: string
}

/** The first items of a list. */
export interface Cut<Item> {
  readonly shown: readonly Item[]
  /** How many more there are. */
  readonly more: number
}

/** The beginning of a text. */
export interface CutText {
  readonly text: string
  /** How many characters follow. */
  readonly more: number
}
