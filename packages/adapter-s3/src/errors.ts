import {
  commonMeanings,
  type Failure,
  fieldOf,
  invalidArgument,
  type Meanings,
  messageOf,
  misconfigured,
  notFound,
  numberFieldOf,
  permissionDenied,
  sameMeaning,
  storeErrors,
  stringFieldOf,
  unavailable,
  unsupported,
} from '@holdfast/core/backend'

const { slowDown, storeFailed, damaged, noObject, noNetwork, full, wrongClock, expired } = commonMeanings

/**
 * The codes of S3, of compatible stores, and of the SDK:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
 */
const meanings: Meanings = {
  ...sameMeaning(['NoSuchKey', 'NotFound'], noObject),
  NoSuchBucket: notFound('The bucket does not exist. Create it, or correct its name in the URL.'),
  NoSuchUpload: unavailable('Another program discarded the unfinished upload.'),
  AccessDenied: permissionDenied(
    'The credentials do not allow this request. Check the policies of the user and of the bucket.',
  ),
  Forbidden: permissionDenied(
    'The credentials do not allow this request, or the object is missing and they do not allow s3:ListBucket. Check the policies of the user and of the bucket, and the clock of this machine.',
  ),
  NoReason: permissionDenied(
    'The store states no reason for this request. Check whether the credentials have expired, and whether the region is that of the bucket.',
  ),
  ClockCorrected: unavailable(
    'The clock of this machine differs too much from that of the store. The next request uses the time of the store.',
  ),
  ObjectLocked: permissionDenied(
    'A legal hold or the retention of object lock protects the object, which is unchanged. Delete it after the hold or retention ends.',
  ),
  AllAccessDisabled: permissionDenied('All access to the bucket is disabled.'),
  ...sameMeaning(
    ['InvalidAccessKeyId', 'InvalidSecurity'],
    permissionDenied('The store does not know the access key. Check the credentials and the endpoint.'),
  ),
  SignatureDoesNotMatch: permissionDenied(
    'The secret key does not match the access key, or a proxy changes requests. Check the credentials and the proxy.',
  ),
  CredentialsProviderError: permissionDenied(
    'No credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or log in (aws sso login).',
  ),
  ...sameMeaning(
    ['TokenProviderError', 'ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'InvalidToken'],
    expired,
  ),
  ...sameMeaning(['RequestTimeTooSkewed', 'RequestExpired'], wrongClock),
  ...sameMeaning(
    ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'],
    misconfigured(
      'The bucket is in another region. Set region in the configuration, ?region= in the URL, or AWS_REGION.',
    ),
  ),
  RegionMissing: misconfigured(
    'No region is known. Set region in the configuration, ?region= in the URL, or AWS_REGION.',
  ),
  TemporaryRedirect: unavailable('The bucket is moving to another address.'),
  InvalidBucketName: misconfigured('The name is not valid for a bucket. Correct the URL.'),
  NotImplemented: unsupported(
    'The store does not support this request. If it rejects the checksum, set checksum to none. If it rejects the condition of a commit (If-None-Match), use another store.',
  ),
  InvalidStorageClass: misconfigured(
    'The store does not support this storage class. Choose another storageClass.',
  ),
  InvalidObjectState: unsupported(
    'The object is in an archive class. Restore it from the archive before you read it.',
  ),
  KeyTooLongError: invalidArgument('The key is too long for the store.'),
  EntityTooLarge: invalidArgument('The object is larger than the store accepts.'),
  ...sameMeaning(
    ['QuotaExceeded', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded', 'InsufficientCapacity'],
    full,
  ),
  ...sameMeaning(
    [
      'BadDigest',
      'XAmzContentChecksumMismatch',
      'XAmzContentSHA256Mismatch',
      'InvalidDigest',
      'IncompleteBody',
    ],
    damaged,
  ),
  ...sameMeaning(
    ['ConditionalRequestConflict', 'OperationAborted'],
    unavailable('Another request changed the same object at the same time.'),
  ),
  ...sameMeaning(
    ['SlowDown', 'SlowDownRead', 'SlowDownWrite', 'Throttling', 'ThrottlingException'],
    slowDown,
  ),
  ...sameMeaning(['TooManyRequests', 'RequestLimitExceeded', 'BandwidthLimitExceeded'], slowDown),
  ...sameMeaning(['InternalError', 'ServiceUnavailable'], storeFailed),
  RequestTimeout: noNetwork,
}

const errors = storeErrors(meanings, failureOf)

export const { storeError, isCalled } = errors

/** Returns whether the store reported that the object to create exists. */
export function isThereAlready(error: unknown): boolean {
  return errors.hasStatus(error, 412)
}

/**
 * Returns whether the store reported that an object is absent: by its code, or by the status 404 without a body. With a body, other
 * codes have this status, too, such as `NoSuchAccessPoint`.
 */
export function isAbsent(error: unknown): boolean {
  return ['NoSuchKey', 'NotFound'].includes(stringFieldOf(error, 'name') ?? '')
}

/**
 * Returns whether an error concerns object lock. Its code, `InvalidRequest`, has many other reasons, and only the message states
 * which: "Bucket is missing Object Lock Configuration", or on MinIO "Object is WORM protected and cannot be overwritten".
 */
export function concernsLock(error: unknown): boolean {
  return isCalled(error, 'InvalidRequest') && /lock|worm|retention|hold/i.test(messageOf(error))
}

/** Returns whether the store may have executed the request. A ready-made client may have sent it several times. */
export function mayHaveHappened(error: unknown): boolean {
  const { name, status } = failureOf(error)
  // Errors that the SDK detects itself, such as missing credentials, occur before the request is sent.
  const wasSent = status !== undefined || !Object.hasOwn(meanings, name) || name === 'RequestTimeout'
  const attempts = numberFieldOf(fieldOf(error, '$metadata'), 'attempts') ?? 1
  // The store knows that it does not support the request, so it has not executed it.
  const isRefused = name === 'NotImplemented'
  return (wasSent && !isRefused && errors.mayHaveHappened(error)) || attempts > 1
}

/**
 * `Retry-After` is not read. Amazon S3 documents none, and MinIO sends the same one with each `SlowDown`, whatever its load:
 * https://github.com/minio/minio/blob/master/cmd/api-response.go.
 */
function failureOf(error: unknown): Failure {
  const status = numberFieldOf(fieldOf(error, '$metadata'), 'httpStatusCode')
  const message = messageOf(error)
  const isOfStore = stringFieldOf(fieldOf(error, '$metadata'), 'requestId') !== undefined
  return { status, message, name: nameOf(error, status, message), isOfStore }
}

/** The names and the messages that the SDK gives to an error if the response with the status 400 has no body. */
const saysNothing = /^(|400|BadRequest|Unknown|UnknownError)$/

/**
 * A response to HEAD has no body, and so no code of S3. The SDK then names the error by the status. The SDK reports a missing
 * region before it sends a request, and corrects its clock by the response to a request with a wrong time.
 */
function nameOf(error: unknown, status: number | undefined, message: string): string {
  const name = stringFieldOf(error, 'name') ?? 'Error'
  const isCorrected = fieldOf(fieldOf(error, '$metadata'), 'clockSkewCorrected') === true
  if (name === 'RequestTimeTooSkewed' && isCorrected) return 'ClockCorrected'
  if (Object.hasOwn(meanings, name)) return name
  if (status === 301 || status === 307) return 'PermanentRedirect'
  if (status === 400 && [name, message].every((text) => saysNothing.test(text))) return 'NoReason'
  if (status === 403) return 'Forbidden'
  if (status === 404) return 'NotFound'
  if (status === 412) return 'PreconditionFailed'
  if (status === undefined && /region is missing/i.test(message)) return 'RegionMissing'
  return stringFieldOf(error, 'code') ?? name
}
