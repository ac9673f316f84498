import type { CheckpointBackend } from '../../backend/index.ts'
import type { SpaceLimits } from '../../space/index.ts'
import type { CatalogLog } from '../../catalog/commit/catalog-log.ts'
import type { WriterKeeping } from '../../catalog/judging/keeping.ts'
import type { Writer } from '../../catalog/commit/rules/index.ts'
import type { AttemptId } from '../../catalog/documents/index.ts'
import type { UnchangedMode } from './unchanged-mode.ts'
import type { StoreEventEmitter } from './events.ts'
import type { PackMode } from './pack-mode.ts'
import type { RecentManifests } from './recent-manifests.ts'
import type { RunLine } from './run-line.ts'
import type { RestoresUnderWay } from './restores-under-way.ts'
import type { SavesThatShare } from './saves-that-share.ts'
import type { Environment } from '../../environment.ts'
import type { StoreFolder } from '../../local-files/store-folders.ts'
import type { BusyLimit, TransferLimits, Transfers } from '../../pacing/index.ts'

/** How fast the files of checkpoints may be sent to a store and read from it, and to and from its mirror. */
export interface StoreLimits {
  readonly store: TransferLimits
  readonly mirror: TransferLimits
}

/** The parts of an open store that its operations share. */
export interface StoreContext {
  readonly backend: CheckpointBackend
  readonly log: CatalogLog
  readonly writer: Writer
  readonly events: StoreEventEmitter
  readonly environment: Environment
  readonly keeping: WriterKeeping
  /** The same object as in `keeping`. */
  readonly restoring: RestoresUnderWay
  /** The checkpoints that this process restored and saved. */
  readonly line: RunLine
  /** Whether small files are stored together. */
  readonly packs: PackMode
  /** What happens to files that have not changed since the latest checkpoint. */
  readonly unchanged: UnchangedMode
  /** The manifests with which saves compare their files. */
  readonly manifests: RecentManifests
  /** The physical copies of files that saves share while they run. */
  readonly sharing: SavesThatShare
  /** The folders of the store and of its mirror on this machine. No restore writes to them, and no save contains them. */
  readonly storeFolders: readonly StoreFolder[]
  readonly space: SpaceLimits
  /** How fast the files of checkpoints are sent and read. */
  readonly transfers: Transfers
  /** The limits of transfers to and from the store, and to and from its mirror. */
  readonly limits: StoreLimits
  /** The limit of transfers in the background. */
  readonly busyLimit: BusyLimit
  /** Dropped attempts whose bytes this process has deleted. */
  readonly deleted: Set<AttemptId>
  /** Whether the first write of this writer, or in a job its first save, ends the ownership of another writer. */
  readonly mayTakeOver: boolean
  /** The id of the only writer whose ownership it may end. `undefined` for any. */
  readonly takesOverFrom: string | undefined
  /** The time in milliseconds by the store's clock before which attempts of shared writers are not declared dead. */
  readonly gracePeriod: number
}

/** The running attempts of this process. Their bases hold back the floor. */
export type AttemptsUnderWay = Set<AttemptId>
