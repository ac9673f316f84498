import type { WriterKeeping } from '../../judging/keeping.ts'
import type { Change } from '../changes/index.ts'

/** How a writer shares a store: exclusively as its owner, or with other writers without an owner. */
export type WriterMode = 'exclusive' | 'shared'

export interface Writer {
  readonly id: string
  /** A name for messages: host and process. */
  readonly name: string
  readonly mode: WriterMode
  /** The job that this exclusive writer belongs to. The writers of a job follow one another. */
  readonly job?: string | undefined
}

export interface CommitRequest {
  readonly writer: Writer
  /** A unique id. Equal ids identify the same commit. */
  readonly commitId: string
  readonly change: Change
  readonly keeping: WriterKeeping
  /** The current time by the clock of the writer. */
  readonly at: string
}
