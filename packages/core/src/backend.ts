/** `@holdfast/core/backend`: for adapters that implement a backend, and for programs that open one. */
import './node-version.ts'
export { concurrently } from './async/concurrently.ts'
export { longestTimer } from './async/longest-timer.ts'
export { orAborted } from './async/or-aborted.ts'
export { defaultThreads, threadsOnAllProcessors } from './async/threads.ts'
export { pauseFor } from './async/pause-for.ts'
export * from './backend/index.ts'
export {
  type AdapterOption,
  type AdapterOptionValues,
  type OptionReader,
  optionReaders,
  readAdapterOptions,
} from './adapter-options/read-options.ts'
export { type AdapterReference, openBackend } from './config/adapters.ts'
export { expandHome } from './config/expand.ts'
export { refusePlanted } from './config/trust/find-module.ts'
export { parseLocation } from './config/location.ts'
export {
  decodedPath,
  type MinimumProgressOptions,
  type ObjectStoreOptions,
  objectStoreOptions,
  type ObjectStorePlace,
  placeInUrl,
  type RequestLimits,
  requestLimitsOf,
  type RetryOptions,
} from './adapter-options/object-store-url.ts'
export { onlyOneOf } from './adapter-options/only-one-of.ts'
export { type Duration, durationOf } from './input/duration.ts'
export {
  abortedError,
  type ErrorCode,
  type ErrorDetails,
  HoldfastError,
  isFinal,
  isHoldfastError,
  messageOf,
  throwIfAborted,
} from './errors.ts'
export {
  combineCrc32,
  combineCrc32c,
  combineCrc64Nvme,
  ConcurrentHash,
  Crc32c,
  crc32cBase64,
  Crc64Nvme,
  parseCrc32c,
  sha256Hex,
  StreamingDigest,
} from './integrity/index.ts'
export { DurableWriter, writeFully } from './local-files/durable-writer.ts'
export { makeFolders } from './local-files/folders.ts'
export { patiently, withPatientChanges } from './local-files/patient-changes.ts'
export {
  type Liveness,
  livenessOf,
  processAt,
  type ProcessIdentity,
  thisProcess,
} from './local-files/process-identity.ts'
export { isReservedOnWindows } from './local-files/windows-names.ts'
export { fromNodeError, fromPathError, isUnreadable, nodeErrorCode } from './node-errors.ts'
export { formatSize, parseSize, type Size } from './space/index.ts'
export { refuseUnknownOptions } from './input/unknown-options.ts'
