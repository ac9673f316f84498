import type { ErrorHint } from '../hints.ts'

/** Whether the catalog records a finding about a checkpoint now. */
export type Recording =
  | { readonly kind: 'recorded' }
  /** The store took no commit, or belongs to another writer. */
  | { readonly kind: 'not recorded'; readonly because: string; readonly hint?: ErrorHint | undefined }

export const recorded: Recording = { kind: 'recorded' }
