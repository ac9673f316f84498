import {
  type Asked,
  commonMeanings,
  denied,
  type Failure,
  type HoldfastError,
  mayHaveHappened as mayHaveHappenedOf,
  type Meaning,
  type Meanings,
  messageOf,
  storeError as commonStoreError,
  unavailable,
} from '@holdfast/core'

const { slowDown, storeFailed, damaged, noObject, full, wrongClock, expired } = commonMeanings

const unknownKey = denied('The access key is not known to the store: check the credentials and the endpoint.')
const wrongRegion: Meaning = {
  code: 'CONFIG',
  advice:
    'The bucket is in another region. Name it: region in the configuration, ?region= in the URL, or AWS_REGION.',
}
const gotBetween = unavailable('Another request on the same object got in between.')

/** The codes of S3 (Amazon S3 API Reference, "Error responses"), of its relatives, and of the SDK itself. */
const meanings: Meanings = {
  NoSuchKey: noObject,
  NotFound: noObject,
  NoSuchBucket: {
    code: 'NOT_FOUND',
    advice: 'There is no such bucket. Make it, or correct its name in the URL.',
  },
  NoSuchUpload: unavailable('The unfinished upload was discarded by someone else.'),
  AccessDenied: denied('The credentials do not allow it: check the policies of the user and of the bucket.'),
  Forbidden: denied(
    'The credentials do not allow it, or the object is missing and they may not list the bucket (s3:ListBucket).',
  ),
  AllAccessDisabled: denied('All access to it is disabled.'),
  InvalidAccessKeyId: unknownKey,
  InvalidSecurity: unknownKey,
  SignatureDoesNotMatch: denied(
    'The secret key does not fit the access key, or something between here and the store changes requests.',
  ),
  CredentialsProviderError: denied(
    'No credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or log in (aws sso login).',
  ),
  TokenProviderError: expired,
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  InvalidToken: expired,
  RequestTimeTooSkewed: wrongClock,
  RequestExpired: wrongClock,
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  RegionMissing: {
    code: 'CONFIG',
    advice: 'No region is known. Name it: region in the configuration, ?region= in the URL, or AWS_REGION.',
  },
  TemporaryRedirect: unavailable('The bucket is being moved.'),
  InvalidBucketName: { code: 'CONFIG', advice: 'That is not the name of a bucket.' },
  NotImplemented: {
    code: 'UNSUPPORTED',
    advice: 'The store does not offer this. If it is the checksum that it refuses, set checksum to none.',
  },
  InvalidStorageClass: { code: 'CONFIG', advice: 'The store does not have this storage class.' },
  InvalidObjectState: {
    code: 'UNSUPPORTED',
    advice: 'The object is in an archive, and must be restored from it before it can be read.',
  },
  KeyTooLongError: { code: 'INVALID_ARGUMENT', advice: 'The key is too long for the store.' },
  EntityTooLarge: { code: 'INVALID_ARGUMENT', advice: 'That is more than the store takes.' },
  QuotaExceeded: full,
  XMinioStorageFull: full,
  XMinioAdminBucketQuotaExceeded: full,
  InsufficientCapacity: full,
  BadDigest: damaged,
  XAmzContentChecksumMismatch: damaged,
  XAmzContentSHA256Mismatch: damaged,
  InvalidDigest: damaged,
  IncompleteBody: damaged,
  ConditionalRequestConflict: gotBetween,
  OperationAborted: gotBetween,
  SlowDown: slowDown,
  SlowDownRead: slowDown,
  SlowDownWrite: slowDown,
  Throttling: slowDown,
  ThrottlingException: slowDown,
  TooManyRequests: slowDown,
  RequestLimitExceeded: slowDown,
  BandwidthLimitExceeded: slowDown,
  InternalError: storeFailed,
  ServiceUnavailable: storeFailed,
  RequestTimeout: commonMeanings.noNetwork,
}

/** The error of a call in the terms of the port. */
export function storeError(error: unknown, asked: Asked, url: string): HoldfastError {
  return commonStoreError(error, failureOf(error), meanings, asked, url)
}

/** Whether the store said that the object is there, in answer to a request to create it if absent. */
export function isThereAlready(error: unknown): boolean {
  return isCalled(error, 'PreconditionFailed') || failureOf(error).status === 412
}

/** Whether the request may have been carried out; a ready-made client may have sent it more than once. */
export function mayHaveHappened(error: unknown): boolean {
  const attempts = property(property(error, '$metadata'), 'attempts')
  const failure = failureOf(error)
  // What the SDK finds out by itself, such as missing credentials, was never sent.
  const wasSent =
    failure.status !== undefined || !(failure.name in meanings) || failure.name === 'RequestTimeout'
  return (wasSent && mayHaveHappenedOf(failure)) || (typeof attempts === 'number' && attempts > 1)
}

/** Whether the store failed with one of these codes. An answer to HEAD is called `NotFound`, whatever is missing. */
export function isCalled(error: unknown, ...names: readonly string[]): boolean {
  const { name, status } = failureOf(error)
  return names.includes(name) || (names.includes('NotFound') && status === 404)
}

function failureOf(error: unknown): Failure {
  const status = property(property(error, '$metadata'), 'httpStatusCode')
  const failure = { status: typeof status === 'number' ? status : undefined, message: messageOf(error) }
  return { ...failure, name: nameOf(error, failure.status, failure.message) }
}

/** An answer to HEAD has no body, hence no code of S3; and the SDK misses a region before it asks anyone. */
function nameOf(error: unknown, status: number | undefined, message: string): string {
  const name = property(error, 'name')
  const code = property(error, 'code')
  if (typeof name === 'string' && name in meanings) return name
  if (status === 301 || status === 307) return 'PermanentRedirect'
  if (status === 403) return 'Forbidden'
  if (/region is missing/i.test(message)) return 'RegionMissing'
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : 'Error'
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
