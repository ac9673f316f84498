import type { ErrorHint } from '../../hints.ts'

/** The outcome of recording a finding about a checkpoint in the catalog. */
export type Recording =
  | { readonly kind: 'recorded' }
  /** The store accepted no commit, or belongs to another writer. */
  | { readonly kind: 'not recorded'; readonly because: string; readonly hint?: ErrorHint | undefined }

export const recorded: Recording = { kind: 'recorded' }
