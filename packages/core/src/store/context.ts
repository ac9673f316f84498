import type { CheckpointBackend } from '../backend/index.ts'
import type { SpaceLimits } from '../space/index.ts'
import type { CatalogLog } from '../catalog/commit/catalog-log.ts'
import type { WriterKeeping } from '../catalog/judging/keeping.ts'
import type { Writer } from '../catalog/commit/rules.ts'
import type { AttemptId } from '../catalog/documents/index.ts'
import type { StoreEventEmitter } from './events.ts'
import type { RestoresUnderWay } from './restores-under-way.ts'
import type { Environment } from '../environment.ts'

/** The parts of an open store that its operations share. */
export interface StoreContext {
  readonly backend: CheckpointBackend
  readonly log: CatalogLog
  readonly writer: Writer
  readonly events: StoreEventEmitter
  readonly environment: Environment
  readonly keeping: WriterKeeping
  /** The same as in `keeping`. */
  readonly restoring: RestoresUnderWay
  readonly space: SpaceLimits
  /** Dropped attempts whose bytes this process has deleted. */
  readonly deleted: Set<AttemptId>
  /** Whether this writer's first write ends the ownership of another. */
  readonly mayTakeOver: boolean
  /** Milliseconds by the store's clock. Attempts of shared writers are not declared dead before that time. */
  readonly gracePeriod: number
}

/** Attempts of this process that are under way. Their bases hold back the floor. */
export type AttemptsUnderWay = Set<AttemptId>
