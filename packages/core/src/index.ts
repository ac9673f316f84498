import './node-version.ts'
export * from './backend/index.ts'
export * from './config/index.ts'
export * from './data/index.ts'
export {
  abortedError,
  type ErrorCode,
  type ErrorDetails,
  type ErrorHint,
  HoldfastError,
  isHoldfastError,
  messageOf,
  throwIfAborted,
} from './errors.ts'
export {
  combineCrc32,
  combineCrc32c,
  ConcurrentHash,
  Crc32c,
  crc32cBase64,
  parseCrc32c,
  sha256Hex,
  StreamingDigest,
} from './integrity/index.ts'
export { type JsonValue, parseJson, stringifyJson } from './json.ts'
export type {
  Evaluation,
  MetricObjective,
  MinDelta,
  Normalisation,
  Objective,
  Objectives,
  ParetoObjective,
  Plateau,
  Smoothing,
  WeightedObjective,
} from './metrics/index.ts'
export type { Decision, Duration, RetainedCheckpoint, RetentionOptions } from './retention/index.ts'
export { fromNodeError, isUnreadable, nodeErrorCode } from './node-errors.ts'
export { formatSize, parseSize, type Size, type SpaceOptions, type SpaceThreshold } from './space/index.ts'
export * from './store/index.ts'
