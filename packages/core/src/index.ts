export * from './backend/index.ts'
export * from './config/index.ts'
export {
  abortedError,
  type ErrorCode,
  type ErrorDetails,
  HoldfastError,
  isHoldfastError,
  messageOf,
  throwIfAborted,
} from './errors.ts'
export { sha256Hex, StreamingDigest } from './integrity/index.ts'
export type { Objective, Objectives } from './metrics/index.ts'
export { fromNodeError, nodeErrorCode } from './node-errors.ts'
export { formatSize, parseSize, type Size, type SpaceOptions, type SpaceThreshold } from './space/index.ts'
export * from './store/index.ts'
