export type {
  Checkpoint,
  CheckpointDetails,
  CheckpointFile,
  JudgedCheckpoint,
  QuarantinedCheckpoint,
} from '../catalog/judging/checkpoint.ts'
export type { WriterMode } from '../catalog/commit/rules.ts'
export { StoreEventEmitter, type StoreEvents } from './events.ts'
export { assertStoreOptions, type StoreOptions } from './options.ts'
export type { OtherFiles } from '../local-files/other-files.ts'
export { type CheckpointChoice, parseChoice } from '../catalog/judging/choose.ts'
export type { PassedOver, Restored, RestoredFile, RestoreOptions } from './restore/result.ts'
export type { BackgroundOptions, BackgroundSave } from './save/background.ts'
export type { FileContent, FilesToSave, SaveRequest } from './save/request.ts'
export type { SaveResult } from './save/result.ts'
export type { UnscoredObjective } from '../catalog/judging/unscored.ts'
export type { MeasuredStep } from '../catalog/judging/measure.ts'
export type { AttachResult } from './upkeep/attach.ts'
export type { PruneOptions, PruneReport } from './upkeep/prune.ts'
export { CheckpointStore, type StoreCallOptions } from './store.ts'
export { systemEnvironment, type Environment } from '../environment.ts'
export type { Diagnosis } from './upkeep/doctor.ts'
export type { RepairOptions, RepairReport } from './upkeep/repair.ts'
export type { StoreSweepOptions, StoreSweepReport } from './upkeep/sweep.ts'
export type { VerifiedCheckpoint, VerifyOptions, VerifyReport } from './upkeep/verify.ts'
