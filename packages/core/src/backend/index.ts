export type {
  BackendAdapter,
  BackendCapabilities,
  BackendHooks,
  BeforeVisible,
  ByteObserver,
  CallOptions,
  CheckpointBackend,
  CommitOptions,
  CommitOutcome,
  DeleteReport,
  DigestAlgorithm,
  DigestOrigin,
  FreeSpace,
  HoldOptions,
  ListOptions,
  MayOmit,
  ObjectHash,
  ObjectStat,
  PutOptions,
  PutResult,
  ReadableObject,
  ReadOptions,
  ResumablePut,
  SweepOptions,
  SweepReport,
  UnchangedObject,
  UnfinishedWork,
} from './backend.ts'
export { CheckedBackend, type BackendOperations, locatedError } from './checked.ts'
export {
  foreignAnswer,
  isHtml,
  isHtmlPage,
  maxAnswerBytes,
  orDestroy,
  readAnswer,
} from './object-store/answers.ts'
export { chunksOf } from './source/chunks-of.ts'
export { computedHash } from './object-store/computed-hash.ts'
export { deleteInBatches } from './object-store/delete-batches.ts'
export { assertKey, compareKeys, keyFault, maxKeyPartBytes } from './key.ts'
export { MemoryBackend } from './memory.ts'
export { ObjectNames } from './object-store/object-names.ts'
export type { BackendOptionsByScheme, BackendOptionsOf } from './options-by-scheme.ts'
export { retryAfterOf } from './overload.ts'
export {
  type Breakable,
  defaultMinimumProgress,
  longestWait,
  type MinimumProgress,
  progressing,
} from './progress.ts'
export { fieldOf, numberFieldOf, stringFieldOf } from './object-store/response-fields.ts'
export { withoutUndefined, type WithoutUndefined } from './object-store/without-undefined.ts'
export {
  noSuchObject,
  type ObjectStore,
  ObjectStoreBackend,
  type ObjectStoreFacts,
  type ObjectStoreOperations,
} from './object-store/object-store.ts'
export { itemsOf, type ListInPages, type Page } from './object-store/pages.ts'
export {
  type Growth,
  growthOf,
  type Part,
  type PartLimits,
  type PartPlan,
  partsAtOnce,
  partsOf,
  planParts,
  sendParts,
} from './object-store/parts.ts'
export {
  assertDigest,
  isHopelessPut,
  putObject,
  type Stored,
  type ReplayableRange,
  type Upload,
  type WaysToPut,
} from './object-store/put-object.ts'
export { lostUpload, putAgain } from './object-store/put-again.ts'
export { putOrCopy } from './object-store/put-or-copy.ts'
export type { ServiceCopy } from './object-store/service-copy.ts'
export { Quota, quotaOf } from './object-store/quota.ts'
export { type Created, createOnce, type Creation } from './object-store/create-once.ts'
export { type RequestContext, requestWithRetry } from './object-store/request-with-retry.ts'
export {
  type ObjectHeaders,
  type OpenedObject,
  readObject,
  rangeHeader,
  type ReadRequests,
  replacedWhileRead,
  statOfHeaders,
  unquotedEtag,
  type WantedBytes,
  wholeSeconds,
} from './object-store/read-object.ts'
export type { RequestInfo } from './object-store/request-info.ts'
export { ResponseLimit } from './object-store/response-limit.ts'
export { resolveRange } from './range.ts'
export { redact, secretHeaders, Secrets } from './object-store/secrets.ts'
export { resumingStream, type ResumingStreamOptions } from './object-store/resuming-stream.ts'
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
  isReopenable,
  type PutSource,
  type ReopenableSource,
  type SourceObject,
} from './source/byte-source.ts'
export { type Checksum, SourceReader, type SourceReaderOptions } from './source/source-reader.ts'
export {
  commonMeanings,
  type Failure,
  invalidArgument,
  type Meaning,
  type Meanings,
  misconfigured,
  notFound,
  permissionDenied,
  sameMeaning,
  unavailable,
  unsupported,
  webPage,
} from './object-store/meanings.ts'
export { mayHaveHappened, storeError, storeErrors, type StoreErrors } from './object-store/store-errors.ts'
export { KnownBackends } from './source/known-backends.ts'
export { mayBeEqual } from './source/may-be-equal.ts'
