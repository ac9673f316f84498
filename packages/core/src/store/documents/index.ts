export {
  type Catalog,
  type CatalogEntry,
  catalogSchema,
  type CommitRecord,
  decodeCatalog,
  type Drop,
  emptyCatalog,
  encodeCatalog,
  type Owner,
  type Pin,
  type Quarantined,
  type RecordedMetrics,
} from './catalog.ts'
export {
  type AttemptId,
  attemptOfKey,
  attemptPrefix,
  catalogKey,
  catalogPrefix,
  catalogVersionOf,
  dataPrefix,
  fileKey,
  isAttemptId,
  manifestKey,
  manifestName,
  markerKey,
  newAttemptId,
  partsOfAttempt,
  probePrefix,
} from './layout.ts'
export {
  decodeManifest,
  encodeManifest,
  type Manifest,
  type ManifestFile,
  manifestSchema,
  newManifest,
} from './manifest.ts'
export { decodeMarker, encodeMarker, type Marker, markerSchema, newMarker } from './marker.ts'
export { metricsOf, storedMetrics, type StoredMetric } from './values.ts'
