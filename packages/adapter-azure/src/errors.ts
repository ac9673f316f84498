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
  ContainerNotFound: notFound('There is no such container. Make it, or correct its name in the URL.'),
  BlobHasBeenModified: unavailable('Another request on the same object got in between.'),
  ContainerBeingDeleted: unavailable('The container is being deleted.'),
  ContainerDisabled: permissionDenied('The container was disabled by its administrator.'),
  AccountIsDisabled: permissionDenied('The account is disabled.'),
  AuthorizationFailure: permissionDenied(
    'The credentials do not allow it, or the firewall of the account keeps this machine out. Check the key or signature, its expiry, and the network rules.',
  ),
  ...sameMeaning(
    [
      'AuthorizationPermissionMismatch',
      'AuthorizationResourceTypeMismatch',
      'AuthorizationServiceMismatch',
      'InsufficientAccountPermissions',
    ],
    permissionDenied(
      'The credentials do not allow it: give them the role Storage Blob Data Contributor, or a signature with the permissions r, a, c, w, d and l.',
    ),
  ),
  AuthorizationProtocolMismatch: permissionDenied(
    'The signature does not allow http. Use an https endpoint.',
  ),
  AuthorizationSourceIPMismatch: permissionDenied(
    'The signature does not allow the address of this machine.',
  ),
  UnauthorizedBlobOverwrite: permissionDenied(
    'The object is there, and the credentials do not allow to replace it: they need the permission to write.',
  ),
  ...sameMeaning(
    ['AuthenticationFailed', 'InvalidAuthenticationInfo'],
    permissionDenied(
      'The account key or the signature is wrong or has expired, or the clock of this machine is. Check all three.',
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
  PublicAccessNotPermitted: permissionDenied('The account allows no anonymous access. Give credentials.'),
  KeyBasedAuthenticationNotPermitted: permissionDenied(
    'The account allows no keys. Log in with Microsoft Entra ID (az login) instead.',
  ),
  AuthenticationError: permissionDenied('Microsoft Entra ID refused the login.'),
  RequestTimeTooSkewed: wrongClock,
  BlobImmutableDueToPolicy: permissionDenied(
    'A legal hold or an immutability policy protects the object, and nothing was changed. It can go when that ends.',
  ),
  ...sameMeaning(
    ['LeaseIdMissing', 'LeaseAlreadyPresent', 'LeaseIdMismatchWithBlobOperation'],
    permissionDenied('Someone holds a lease on it. Release or break the lease, and go on.'),
  ),
  SnapshotsPresent: unsupported('The object has snapshots that cannot be deleted with it.'),
  ...sameMeaning(
    [
      'BlobUsesCustomerSpecifiedEncryption',
      'BlobDoesNotUseCustomerSpecifiedEncryption',
      'BlobCustomerSpecifiedEncryptionMismatch',
    ],
    misconfigured(
      'The object is encrypted in another way than this store is told: check customerKey and encryptionScope.',
    ),
  ),
  InvalidEncryptionScope: misconfigured('The account has no such encryption scope.'),
  EncryptionScopeDisabled: misconfigured('The encryption scope is disabled.'),
  BlobAccessTierNotSupportedForAccountType: misconfigured('The account does not have this access tier.'),
  ...sameMeaning(
    ['BlobArchived', 'BlobBeingRehydrated'],
    unsupported('The object is in the archive tier, and must be rehydrated before it can be read.'),
  ),
  BlobOperationNotSupported: unsupported(
    'The object was not made as a block blob, or is a folder of a hierarchical namespace.',
  ),
  InvalidBlobType: unsupported('Something else than a block blob has this name.'),
  InvalidResourceName: misconfigured('That is not the name of a container or blob.'),
  OutOfRangeInput: invalidArgument('The key is too long for the store.'),
  RequestBodyTooLarge: invalidArgument('That is more than the store takes.'),
  BlockListTooLong: invalidArgument('Those are more blocks than the store takes.'),
  BlockCountExceedsLimit: invalidArgument(
    'Too many blocks wait under this name; the store drops them a week after the last one.',
  ),
  InvalidBlobOrBlock: invalidArgument(
    'Another program has blocks waiting under this name; the store drops them in a week. Use another name.',
  ),
  ...sameMeaning(['Md5Mismatch', 'Crc64Mismatch'], damaged),
  InvalidQueryParameterValue: unsupported(
    'The store does not know a part of the request. Is it older than this package?',
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
    isCalled(error, 'BlobAlreadyExists', 'BlobImmutableDueToPolicy', 'UnauthorizedBlobOverwrite') ||
    (hasStatus(error, 412) && !isCalled(error, webPage))
  )
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
  const { headers } = Object(fieldOf(error, 'response')) as { readonly headers?: HeadersOfAnswer }
  return headers !== undefined && isForeign(headers)
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
  return headers.get('x-ms-request-id') === undefined && isHtml(headers.get('content-type'))
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
  }
}
