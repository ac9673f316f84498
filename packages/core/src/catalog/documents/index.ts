export {
  type Agreement,
  agreementSchema,
  decodeAgreement,
  encodeAgreement,
  newAgreement,
} from './agreement.ts'
export { decodeCatalog, emptyCatalog, encodeCatalog, encodeFence } from './catalog.ts'
export { mostRetired } from './catalog-fault.ts'
export {
  type Catalog,
  type CatalogEntry,
  catalogSchema,
  type CommitRecord,
  type Drop,
  keepingSchema,
  type MirrorRecord,
  mostUnmirrored,
  type Older,
  type Owner,
  type PageReference,
  type Pin,
  type Quarantined,
  type RecordedMetrics,
  type Removed,
  type Segments,
} from './catalog-schema.ts'
export { composed } from './file-names.ts'
export { formatAfter, formatOf } from './format-version.ts'
export {
  agreementKey,
  agreementName,
  type AgreementName,
  agreementOfKey,
  agreementsPrefix,
  type AttemptId,
  attemptOfKey,
  attemptPrefix,
  attemptSchema,
  catalogKey,
  catalogPrefix,
  catalogVersionOf,
  dataPrefix,
  isAttemptId,
  isDocumentKey,
  isOwnFolder,
  isOwnWork,
  manifestKey,
  manifestName,
  markerKey,
  newAttemptId,
  newPageId,
  newRewindId,
  objectKey,
  type PageId,
  pageKey,
  pageOfKey,
  pagesPrefix,
  partsOfAttempt,
  probePrefix,
  reservePrefix,
  type RewindId,
  rewindKey,
  rankOfStart,
  rewindOfKey,
  rewindsPrefix,
  termOfKey,
  termPrefix,
  versionOfPage,
  versionOfRewind,
  type WriterNote,
  writerNoteKey,
  writerNoteOf,
  writersPrefix,
} from './layout.ts'
export { endOf, inOrder, type Line, lineOf, withLine } from './lines.ts'
export {
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestFile,
  manifestSchema,
  newManifest,
  withFiles,
} from './manifest.ts'
export { decodeMarker, encodeMarker, type Marker, markerSchema, newMarker, withPlace } from './marker.ts'
export { isMirrorJob, mirrorJob } from './mirror-job.ts'
export { decodePage, encodePage, type PageContent, type PageDocument, pageSchema } from './page.ts'
export { decodeRewind, encodeRewind, type Rewind, rewindSchema } from './rewind.ts'
export { type Origin } from './origin.ts'
export { assertStep, isCount } from './step.ts'
export { metricsOf, storedMetrics, type StoredMetric, type Timing } from './values.ts'
