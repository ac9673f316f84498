import type { BackendCapabilities, CheckpointBackend } from '@holdfast/core/backend'
import type { Place } from './place.ts'

/** The backend under test, and how the suite opens it. */
export interface Subject {
  /** Opens a backend on a new, empty place. The suite closes it. */
  open(): Promise<CheckpointBackend>
  /** Opens a second backend on the place of a backend that `open` returned, as another process would. */
  reopen(backend: CheckpointBackend): Promise<CheckpointBackend>
  /** The size in bytes from which the backend works in several parts or several buffers. */
  readonly partBytes: number
  /**
   * The result of concurrent puts to one key: all of them succeed, or at least one does. Use `one succeeds` for a store
   * that keeps the unfinished parts of all puts to a key together, because one put can then discard the parts of
   * another. Default: `succeed`.
   */
  readonly racingPuts?: 'succeed' | 'one succeeds'
  /** Returns the data with which other processes open the place of a backend that `open` returned. */
  readonly place?: (backend: CheckpointBackend) => Place
  /** Open backends on stores that fail in a known way. */
  readonly failing?: FailingBackends
  /**
   * Cases that fail because of this server, with the reasons. These cases run and must fail, so the list stays
   * correct. A case that fails because of the backend is a fault of the backend and does not belong here.
   */
  readonly gaps?: Readonly<Record<string, string>>
  /**
   * Cases that fail only sometimes, or take too long, because of this server, with the reasons. These cases do not
   * run. The titles of their tests state the reasons.
   */
  readonly unsteady?: Readonly<Record<string, string>>
}

/** Functions that open a backend whose calls to the store fail with the code. The suite closes it. */
export interface FailingBackends {
  /** The store does not respond. */
  readonly UNAVAILABLE?: () => Promise<CheckpointBackend>
  /** The store denies access, for example to an unknown user. */
  readonly PERMISSION_DENIED?: () => Promise<CheckpointBackend>
  /** The place is empty. Only a `put` of three times `partBytes` fails, because the space is too small. */
  readonly INSUFFICIENT_SPACE?: () => Promise<CheckpointBackend>
}

/** A test of one guarantee of `CheckpointBackend`. `run` rejects if the backend breaks the guarantee. */
export interface Case {
  readonly name: string
  /** Returns the reason to skip the case, such as a missing option of the subject, or `undefined` to run it. */
  readonly skipReason?: (subject: Subject) => string | undefined
  /** Returns why the case does not apply to a backend with these capabilities, or `undefined` to run it. */
  readonly notApplicable?: (capabilities: BackendCapabilities) => string | undefined
  readonly run: (backend: CheckpointBackend, subject: Subject) => Promise<void>
}
