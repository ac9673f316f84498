import type { CheckpointBackend } from '@holdfast/core/backend'
import type { Place } from './place.ts'

/** What the suite is run against: how to open one backend on a place that nothing else uses. */
export interface Subject {
  /** A backend on an empty place of its own. The suite closes it. */
  open(): Promise<CheckpointBackend>
  /** A second backend on the place of one that `open` gave, as another process would have it. */
  reopen(backend: CheckpointBackend): Promise<CheckpointBackend>
  /** The size in bytes at which the backend begins to work in parts, or in more than one buffer. */
  readonly partBytes: number
  /**
   * Of several puts of one key at the same time, whether all succeed and the last one stands, or one at least does: a
   * store that keeps the unfinished parts of all puts to one key together lets one discard those of the others.
   * Default: `succeed`.
   */
  readonly racingPuts?: 'succeed' | 'one succeeds'
  /** How a process of its own opens the place of a backend that `open` gave, for what only several processes show. */
  readonly place?: (backend: CheckpointBackend) => Place
  /** Backends on stores that are broken in one way each. */
  readonly failing?: FailingBackends
  /**
   * What this one server cannot keep: the name of a case, and why. Such a case is run nevertheless and must fail, so
   * that the list cannot go stale. A gap of the backend's own is no gap but a fault.
   */
  readonly gaps?: Readonly<Record<string, string>>
  /**
   * What this one server keeps at most times only, for faults of its own: the name of a case, and why. Such a case is
   * not run, and its title says so.
   */
  readonly unsteady?: Readonly<Record<string, string>>
}

/** Opens a backend of which every call that asks the store fails with the code; the suite closes it. */
export interface FailingBackends {
  /** Nothing answers there. */
  readonly UNAVAILABLE?: () => Promise<CheckpointBackend>
  /** The store knows no such user. */
  readonly PERMISSION_DENIED?: () => Promise<CheckpointBackend>
  /** Only `put` of three times `partBytes` fails, for want of room; the place is empty. */
  readonly INSUFFICIENT_SPACE?: () => Promise<CheckpointBackend>
}

/** One sentence of the port, and the proof of it. Rejects when the sentence does not hold. */
export interface Case {
  readonly name: string
  /** Why this subject cannot be asked: it leaves out what the case needs. */
  readonly notAsked?: (subject: Subject) => string | undefined
  readonly run: (backend: CheckpointBackend, subject: Subject) => Promise<void>
}
