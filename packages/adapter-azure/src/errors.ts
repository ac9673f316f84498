import {
  commonMeanings,
  type Failure,
  fieldOf,
  invalidArgument,
  isHtml,
  type Meanings,
  messageOf,
  misconfigured,
  notFound,
  numberFieldOf,
  permissionDenied,
  retryAfterOf,
  sameMeaning,
  secretHeaders,
  storeErrors,
  stringFieldOf,
  unavailable,
  unsupported,
  webPage,
} from '@holdfast/core/backend'

const { slowDown, storeFailed, damaged, noObject, noNetwork, wrongClock } = commonMeanings

/**
 * The codes of Azure and of the SDK:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/blob-service-error-codes.
 */
const meanings: Meanings = {
  ...sameMeaning(['BlobNotFound', 'ResourceNotFound'], noObject),
  ContainerNotFound: notFound('The container does not exist. Create it, or correct its name in the URL.'),
  BlobHasBeenModified: unavailable('Another request changed the same object at the same time.'),
  ContainerBeingDeleted: unavailable('The container is being deleted.'),
  ContainerDisabled: permissionDenied('An administrator disabled the container.'),
  AccountIsDisabled: permissionDenied('The account is disabled.'),
  AuthorizationFailure: permissionDenied(
    'The credentials do not allow this request, or the firewall of the account blocks this machine. Check the key or signature, its expiry, and the network rules.',
  ),
  ...sameMeaning(
    [
      'AuthorizationPermissionMismatch',
      'AuthorizationResourceTypeMismatch',
      'AuthorizationServiceMismatch',
      'InsufficientAccountPermissions',
    ],
    permissionDenied(
      'The credentials do not allow this request. Assign the role Storage Blob Data Contributor, or use a signature with the permissions r, a, c, w, d and l.',
    ),
  ),
  AuthorizationProtocolMismatch: permissionDenied(
    'The signature does not allow http. Use an https endpoint.',
  ),
  AuthorizationSourceIPMismatch: permissionDenied(
    'The signature does not allow the address of this machine.',
  ),
  UnauthorizedBlobOverwrite: permissionDenied(
    'The object exists, and the credentials do not allow replacing it. Grant them the write permission.',
  ),
  ...sameMeaning(
    ['AuthenticationFailed', 'InvalidAuthenticationInfo'],
    permissionDenied(
      'The account key or signature is wrong or has expired, or the clock of this machine is wrong. Check the key, its expiry and the clock.',
    ),
  ),
  ...sameMeaning(
    [
      'NoAuthenticationInformation',
      'CredentialUnavailableError',
      'AggregateAuthenticationError',
      'AuthenticationRequiredError',
    ],
    permissionDenied(
      'No credentials were found. Log in (az login), or set AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN.',
    ),
  ),
  PublicAccessNotPermitted: permissionDenied(
    'The account does not allow anonymous access. Pass credentials.',
  ),
  KeyBasedAuthenticationNotPermitted: permissionDenied(
    'The account does not allow keys. Log in with Microsoft Entra ID (az login).',
  ),
  AuthenticationError: permissionDenied(
    'Microsoft Entra ID rejected the login. Check the account and its permissions.',
  ),
  RequestTimeTooSkewed: wrongClock,
  BlobImmutableDueToPolicy: permissionDenied(
    'A legal hold or an immutability policy protects the object. Nothing was changed. Delete it after the hold or policy ends.',
  ),
  ...sameMeaning(
    ['LeaseIdMissing', 'LeaseAlreadyPresent', 'LeaseIdMismatchWithBlobOperation'],
    permissionDenied('Another client holds a lease on it. Release or break the lease, and try again.'),
  ),
  SnapshotsPresent: unsupported(
    'The object has snapshots that cannot be deleted with it. Delete them first.',
  ),
  ...sameMeaning(
    [
      'BlobUsesCustomerSpecifiedEncryption',
      'BlobDoesNotUseCustomerSpecifiedEncryption',
      'BlobCustomerSpecifiedEncryptionMismatch',
    ],
    misconfigured(
      'The object is encrypted with another key or scope. Check customerKey and encryptionScope.',
    ),
  ),
  InvalidEncryptionScope: misconfigured('The account has no such encryption scope. Correct encryptionScope.'),
  EncryptionScopeDisabled: misconfigured(
    'The encryption scope is disabled. Enable it, or choose another one.',
  ),
  BlobAccessTierNotSupportedForAccountType: misconfigured(
    'The account does not support this access tier. Choose another accessTier.',
  ),
  ...sameMeaning(
    ['BlobArchived', 'BlobBeingRehydrated'],
    unsupported('The object is in the archive tier. Rehydrate it before you read it.'),
  ),
  BlobOperationNotSupported: unsupported(
    'The object is not a block blob, or is a folder of a hierarchical namespace. Use another name.',
  ),
  InvalidBlobType: unsupported(
    'A blob of another type has this name. Delete that blob, or use another name.',
  ),
  InvalidResourceName: misconfigured('The name is not valid for a container or a blob. Correct the URL.'),
  OutOfRangeInput: invalidArgument('The key is too long for the store.'),
  RequestBodyTooLarge: invalidArgument('The object is larger than the store accepts.'),
  BlockListTooLong: invalidArgument(
    'The object has more blocks than the store accepts. Set a larger blockSize.',
  ),
  BlockCountExceedsLimit: invalidArgument(
    'Too many uncommitted blocks have this name. The store discards them a week after the last one was sent.',
  ),
  InvalidBlobOrBlock: invalidArgument(
    'Another program left uncommitted blocks with this name. The store discards them after a week. Use another name.',
  ),
  ...sameMeaning(['Md5Mismatch', 'Crc64Mismatch'], damaged),
  InvalidQueryParameterValue: unsupported(
    'The store does not support a part of the request. It may be older than this package.',
  ),
  ...sameMeaning(
    ['ServerBusy', 'IngressOverAccountLimit', 'EgressOverAccountLimit', 'TooManyRequests'],
    slowDown,
  ),
  ...sameMeaning(['OperationTimedOut', 'InternalError'], storeFailed),
  // The SDK uses these names for broken connections. An abort by a signal is handled before.
  ...sameMeaning(['AbortError', 'REQUEST_SEND_ERROR', 'PARSE_ERROR'], noNetwork),
}

export const { storeError, isCalled, hasStatus, mayHaveHappened } = storeErrors(meanings, failureOf, sentWith)

/**
 * Returns whether the store reported that the object to create exists: by the status 409 or 412, or because it must not
 * be replaced.
 */
export function isThereAlready(error: unknown): boolean {
  return (
    isCalled(error, 'BlobAlreadyExists') ||
    isProtected(error) ||
    (hasStatus(error, 412) && !isCalled(error, webPage))
  )
}

/**
 * Returns whether a blob exists that must not be replaced: by an immutability policy, or by a signature that may only create
 * (https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas).
 */
export function isProtected(error: unknown): boolean {
  return isCalled(error, 'BlobImmutableDueToPolicy', 'UnauthorizedBlobOverwrite')
}

/** Returns the secrets of the failed request: its key, its token, and the signature in its URL. */
function sentWith(error: unknown): readonly (string | undefined)[] {
  const request = fieldOf(error, 'request')
  const headers = fieldOf(request, 'headers')
  const signature = URL.parse(stringFieldOf(request, 'url') ?? '')?.searchParams.get('sig') ?? undefined
  return [signature, ...secretHeaders.map((name) => headerOf(headers, name))]
}

/** Reads a header of the SDK. */
function headerOf(headers: unknown, name: string): string | undefined {
  const value = hasGet(headers) ? headers.get(name) : undefined
  return typeof value === 'string' ? value : undefined
}

function hasGet(headers: unknown): headers is { get(name: string): unknown } {
  return typeof fieldOf(headers, 'get') === 'function'
}

function isWebPage(error: unknown): boolean {
  const headers = headersOf(error)
  return headers !== undefined && isForeign(headers)
}

function headersOf(error: unknown): HeadersOfAnswer | undefined {
  const { headers } = Object(fieldOf(error, 'response')) as { readonly headers?: HeadersOfAnswer }
  return headers
}

/** The headers of a response of the SDK. */
export interface HeadersOfAnswer {
  get(name: string): string | undefined
}

/**
 * Returns whether a response is a web page that Azure did not send. Every response of Azure has an id:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob.
 */
export function isForeign(headers: HeadersOfAnswer): boolean {
  return !isOfStore(headers) && isHtml(headers.get('content-type'))
}

function isOfStore(headers: HeadersOfAnswer | undefined): boolean {
  return headers?.get('x-ms-request-id') !== undefined
}

/**
 * Reads an error of the SDK. A response to HEAD has its code only in a header. The first line of a message is the text.
 */
function failureOf(error: unknown): Failure {
  const status = numberFieldOf(error, 'statusCode')
  if (status !== undefined && status < 500 && isWebPage(error))
    return { status, name: webPage, message: `HTTP ${status}` }
  return {
    status,
    name:
      stringFieldOf(error, 'code') ??
      stringFieldOf(fieldOf(error, 'details'), 'errorCode') ??
      stringFieldOf(error, 'name') ??
      'Error',
    message: messageOf(error).split('\n', 1)[0] ?? '',
    retryAfter: retryAfterOf(headersOf(error)?.get('retry-after')),
    isOfStore: isOfStore(headersOf(error)),
  }
}
