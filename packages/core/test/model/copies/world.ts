import type { AttemptId } from '../../../src/catalog/documents/index.ts'
import type { WholeCatalog } from '../../../src/catalog/pages/index.ts'

/** The checkpoint that the source has at the step. `Y` replaces `X`. */
export type Content = 'X' | 'Y'

/** What the destination stores under an attempt. */
export interface Stored {
  /** The content of each of the two files; `null` if it is absent. */
  readonly files: readonly (Content | null)[]
  /** The content that it describes and the copier that created it; `null` if it is absent. */
  readonly manifest: string | null
}

export type Copier =
  | { readonly at: 'begin' | 'done' }
  | { readonly at: 'agree'; readonly origin: Content; readonly number: number }
  | ({ readonly at: 'look' | 'manifest' | 'read back' | 'discard' } & Try)
  | ({ readonly at: 'file'; readonly file: number } & Try)
  | ({ readonly at: 'commit'; readonly manifest: string } & Try)

/** A try at a copy: the checkpoint of the source, its number, and the attempt on which the copiers agreed. */
export interface Try {
  readonly origin: Content
  readonly number: number
  readonly attempt: AttemptId
}

export interface State {
  readonly source: Content
  readonly catalog: WholeCatalog
  /** The agreed attempts by the name of the agreement. */
  readonly agreements: Readonly<Record<string, AttemptId>>
  readonly data: Readonly<Record<AttemptId, Stored>>
  readonly copiers: readonly Copier[]
  /** How often each of these may still happen. */
  readonly left: {
    readonly takeovers: number
    readonly deletions: number
    readonly others: number
    /** Commits of copies that are refused, such as by an objective that contradicts a recorded one. */
    readonly refusals: number
  }
  /** What the promises are about. No process looks at it. */
  readonly ghost: {
    readonly acknowledged: readonly AttemptId[]
    readonly dropped: readonly AttemptId[]
    readonly discarded: readonly AttemptId[]
  }
}

export interface Step {
  readonly name: string
  readonly next: State
}
