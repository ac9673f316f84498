export type {
  BackendAdapter,
  BackendCapabilities,
  CallOptions,
  CheckpointBackend,
  CommitOutcome,
  DeleteReport,
  DigestAlgorithm,
  DigestOrigin,
  FreeSpace,
  ListOptions,
  ObjectHash,
  ObjectStat,
  PutOptions,
  PutResult,
  ReadableObject,
  ReadOptions,
  SweepOptions,
  SweepReport,
  UnfinishedWork,
} from './backend.ts'
export { assertKey, keyFault, maxKeyPartBytes } from './key.ts'
export { MemoryBackend } from './memory.ts'
export { portOptions, refuseUnknownOptions } from './options.ts'
export { resolveRange } from './range.ts'
export {
  defaultRetryPolicy,
  type RetryContext,
  type RetryEvent,
  type RetryPolicy,
  withRetry,
} from './retry.ts'
export {
  type ByteSource,
  type FileSource,
  isFileSource,
  SourceReader,
  type SourceReaderOptions,
} from './source.ts'
