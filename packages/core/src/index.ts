/** `@holdfast/core`: the entry point for programs that save and restore checkpoints. */
import './node-version.ts'
export type { BackendAdapter, CheckpointBackend } from './backend/backend.ts'
export { MemoryBackend } from './backend/memory.ts'
export type { BackendOptionsByScheme, BackendOptionsOf } from './backend/options-by-scheme.ts'
export type {
  Checkpoint,
  CheckpointDetails,
  CheckpointFile,
  CheckpointTiming,
  JudgedCheckpoint,
  QuarantinedCheckpoint,
} from './catalog/judging/checkpoint.ts'
export { type CheckpointChoice, parseChoice } from './catalog/judging/choose.ts'
export type { MeasuredStep } from './catalog/judging/measure.ts'
export type { UnscoredObjective } from './catalog/judging/unscored.ts'
export { explainConfig, type ExplainedConfig } from './config/explain-config.ts'
export { listRuns, type ListRunsOptions } from './config/list-runs.ts'
export { locationBelow } from './config/location.ts'
export { type KnownObjectives, openStore, type OpenStoreOptions } from './config/open-store.ts'
export { defineConfig, type HoldfastConfig } from './config/schema.ts'
export { type Duration, parseDuration } from './input/duration.ts'
export { type Environment, systemEnvironment } from './environment.ts'
export { type ErrorCode, HoldfastError, isHoldfastError } from './errors.ts'
export type { ErrorHint } from './hints.ts'
export { type JsonValue, parseJson, stringifyJson } from './input/json.ts'
export type { OtherFiles } from './local-files/delivery/other-files.ts'
export type {
  Evaluation,
  MetricObjective,
  Objective,
  Objectives,
  ParetoObjective,
  Plateau,
  Smoothing,
  WeightedObjective,
} from './metrics/index.ts'
export { parseRate, type Rate } from './pacing/index.ts'
export type { Decision, RetainedCheckpoint, RetentionOptions } from './retention/index.ts'
export { formatSize, parseSize, type Size, type SpaceOptions } from './space/index.ts'
export type { CopyOptions, CopyOutcome, CopyReport } from './store/copy/options.ts'
export type { StoreEvents } from './store/context/events.ts'
export type { StoreOptions } from './store/options.ts'
export type { TraceContext, TracedOperation } from './store/tracing.ts'
export type { PackMode } from './store/context/pack-mode.ts'
export type { UnchangedMode } from './store/context/unchanged-mode.ts'
export type { UnfinishedGroup, UnfinishedSaves } from './store/attempts/unfinished.ts'
export type { RecordedCommit } from './store/read/history.ts'
export type { RemovedCheckpoint } from './catalog/judging/removed.ts'
export type { NextDrop } from './store/read/next-drops.ts'
export type { ListedCheckpoint } from './store/read/list-metadata.ts'
export type { Presence } from './store/read/presence.ts'
export type { ReadFileOptions, StreamedFile } from './store/read/read-file.ts'
export type { TensorsOfFile } from './store/read/tensors.ts'
export type { MirrorOptions } from './store/mirror/options.ts'
export type { BroughtBack, FlushOptions, Mirror, MirrorStatus } from './store/mirror/status.ts'
export type { RanksOptions } from './store/ranks/options.ts'
export type { Joined } from './store/ranks/ranks.ts'
export type { JoinOptions } from './store/ranks/resume.ts'
export type { UnfinishedJointSave } from './store/ranks/job-status.ts'
export type { Recording } from './store/context/recorded-finding.ts'
export type {
  MirrorReading,
  PassedOver,
  Restored,
  RestoredFile,
  RestoreOptions,
  RestoreSource,
} from './store/restore/result.ts'
export type { BackgroundOptions } from './store/save/background-options.ts'
export type { BackgroundSave } from './store/save/background.ts'
export type { ExpectedStream, FileContent, FilesToSave, SaveRequest } from './store/save/request.ts'
export type { SaveResult } from './store/save/result.ts'
export type { AttachResult } from './store/upkeep/attach.ts'
export type { BestOfRun, ReadableRun, RunSummary, UnreadableRun } from './store/runs/summary.ts'
export { copyCheckpoints } from './store/copy-checkpoints.ts'
export { CheckpointStore } from './store/store.ts'
export type { ListOptions, StoreCallOptions } from './store/calls.ts'
export type { Diagnosis } from './store/upkeep/doctor.ts'
export type { DeletedCheckpoint, DeleteOptions } from './store/upkeep/delete.ts'
export type { UndoneCheckpoint, UndoOptions } from './store/upkeep/undo.ts'
export type { PruneOptions, PruneReport } from './store/upkeep/prune.ts'
export type { RepairReport } from './store/upkeep/repair/plan-rebuild.ts'
export type { RepairOptions } from './store/upkeep/repair/repair.ts'
export type { AbandonedCheckpoint, RewindOptions, RewindReport } from './store/upkeep/rewind.ts'
export type { StoreSweepOptions, StoreSweepReport } from './store/upkeep/sweep.ts'
export type { Releasable, VerifiedCheckpoint, VerifyOptions, VerifyReport } from './store/upkeep/verify.ts'
