import type { CorruptCopies } from './corrupt-copies.ts'
import type { SaveAccess } from '../save/plan-and-save.ts'
import type { StoreContext } from '../context/context.ts'

/** The store from which checkpoints are copied. Nothing is written to it. */
export interface CopySource {
  readonly context: StoreContext
  /** Returns its id. Rejects with `CORRUPT` if its marker is missing or damaged. */
  readonly id: (signal: AbortSignal | undefined) => Promise<string>
}

/** The store into which checkpoints are copied. */
export interface CopyDestination {
  readonly context: StoreContext
  readonly access: SaveAccess
  /** Returns its id; `undefined` if it is a new store. */
  readonly id: (signal: AbortSignal | undefined) => Promise<string | undefined>
  readonly corrupt: CorruptCopies
}
