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

const { slowDown, storeFailed, damaged, noObject, noNetwork, wrongClock } = commonMeanings

const noAccess = denied(
  'The credentials do not allow it: give them the role Storage Blob Data Contributor, or a signature with the permissions r, a, c, w, d and l.',
)
const unproven = denied(
  'The account key or the signature is wrong or has expired, or the clock of this machine is. Check all three.',
)
const noLogin = denied(
  'No credentials were found. Log in (az login), or set AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN.',
)
const protectedBlob = denied(
  'A legal hold or an immutability policy protects the object, and nothing was changed. It can go when that ends.',
)
const leased: Meaning = {
  code: 'PERMISSION_DENIED',
  advice: 'Someone holds a lease on it. Release or break the lease, and go on.',
}
const wrongKey: Meaning = {
  code: 'CONFIG',
  advice:
    'The object is encrypted in another way than this store is told: check customerKey and encryptionScope.',
}
const inArchive: Meaning = {
  code: 'UNSUPPORTED',
  advice: 'The object is in the archive tier, and must be rehydrated before it can be read.',
}

/** The codes of Azure (Blob service REST API, "Blob service error codes"), and those of the SDK itself. */
const meanings: Meanings = {
  BlobNotFound: noObject,
  ResourceNotFound: noObject,
  ContainerNotFound: {
    code: 'NOT_FOUND',
    advice: 'There is no such container. Make it, or correct its name in the URL.',
  },
  BlobHasBeenModified: unavailable('Another request on the same object got in between.'),
  ContainerBeingDeleted: unavailable('The container is being deleted.'),
  ContainerDisabled: denied('The container was disabled by its administrator.'),
  AccountIsDisabled: denied('The account is disabled.'),
  AuthorizationFailure: denied(
    'The credentials do not allow it, or the firewall of the account keeps this machine out. Check the key or signature, its expiry, and the network rules.',
  ),
  AuthorizationPermissionMismatch: noAccess,
  AuthorizationResourceTypeMismatch: noAccess,
  AuthorizationServiceMismatch: noAccess,
  AuthorizationProtocolMismatch: denied('The signature does not allow http. Use an https endpoint.'),
  AuthorizationSourceIPMismatch: denied('The signature does not allow the address of this machine.'),
  InsufficientAccountPermissions: noAccess,
  UnauthorizedBlobOverwrite: denied(
    'The object is there, and the credentials do not allow to replace it: they need the permission to write.',
  ),
  AuthenticationFailed: unproven,
  InvalidAuthenticationInfo: unproven,
  NoAuthenticationInformation: noLogin,
  PublicAccessNotPermitted: denied('The account allows no anonymous access. Give credentials.'),
  KeyBasedAuthenticationNotPermitted: denied(
    'The account allows no keys. Log in with Microsoft Entra ID (az login) instead.',
  ),
  CredentialUnavailableError: noLogin,
  AggregateAuthenticationError: noLogin,
  AuthenticationRequiredError: noLogin,
  AuthenticationError: denied('Microsoft Entra ID refused the login.'),
  RequestTimeTooSkewed: wrongClock,
  BlobImmutableDueToPolicy: protectedBlob,
  LeaseIdMissing: leased,
  LeaseAlreadyPresent: leased,
  LeaseIdMismatchWithBlobOperation: leased,
  SnapshotsPresent: {
    code: 'UNSUPPORTED',
    advice: 'The object has snapshots that cannot be deleted with it.',
  },
  BlobUsesCustomerSpecifiedEncryption: wrongKey,
  BlobDoesNotUseCustomerSpecifiedEncryption: wrongKey,
  BlobCustomerSpecifiedEncryptionMismatch: wrongKey,
  InvalidEncryptionScope: { code: 'CONFIG', advice: 'The account has no such encryption scope.' },
  EncryptionScopeDisabled: { code: 'CONFIG', advice: 'The encryption scope is disabled.' },
  BlobAccessTierNotSupportedForAccountType: {
    code: 'CONFIG',
    advice: 'The account does not have this access tier.',
  },
  BlobArchived: inArchive,
  BlobBeingRehydrated: inArchive,
  BlobOperationNotSupported: {
    code: 'UNSUPPORTED',
    advice: 'The object was not made as a block blob, or is a folder of a hierarchical namespace.',
  },
  InvalidBlobType: { code: 'UNSUPPORTED', advice: 'Something else than a block blob has this name.' },
  InvalidResourceName: { code: 'CONFIG', advice: 'That is not the name of a container or blob.' },
  OutOfRangeInput: { code: 'INVALID_ARGUMENT', advice: 'The key is too long for the store.' },
  RequestBodyTooLarge: { code: 'INVALID_ARGUMENT', advice: 'That is more than the store takes.' },
  BlockListTooLong: { code: 'INVALID_ARGUMENT', advice: 'Those are more blocks than the store takes.' },
  BlockCountExceedsLimit: {
    code: 'INVALID_ARGUMENT',
    advice: 'Too many blocks wait under this name; the store drops them a week after the last one.',
  },
  InvalidBlobOrBlock: {
    code: 'INVALID_ARGUMENT',
    advice:
      'Another program has blocks waiting under this name; the store drops them in a week. Use another name.',
  },
  Md5Mismatch: damaged,
  Crc64Mismatch: damaged,
  InvalidQueryParameterValue: {
    code: 'UNSUPPORTED',
    advice: 'The store does not know a part of the request. Is it older than this package?',
  },
  ServerBusy: slowDown,
  IngressOverAccountLimit: slowDown,
  EgressOverAccountLimit: slowDown,
  TooManyRequests: slowDown,
  OperationTimedOut: storeFailed,
  InternalError: storeFailed,
  // What the SDK calls a connection that broke; that of a signal is told before.
  AbortError: noNetwork,
  REQUEST_SEND_ERROR: noNetwork,
  PARSE_ERROR: noNetwork,
}

/** The error of a call in the terms of the port. */
export function storeError(error: unknown, asked: Asked, url: string): HoldfastError {
  return commonStoreError(error, failureOf(error), meanings, asked, url)
}

/**
 * Whether the store said that the object is there, in answer to a request to create it if absent: 409 or 412, or that
 * it may not be replaced.
 */
export function isThereAlready(error: unknown): boolean {
  return (
    isCalled(error, 'BlobAlreadyExists', 'BlobImmutableDueToPolicy', 'UnauthorizedBlobOverwrite') ||
    failureOf(error).status === 412
  )
}

/** Whether the request may have been carried out although it failed. */
export function mayHaveHappened(error: unknown): boolean {
  return mayHaveHappenedOf(failureOf(error))
}

/** Whether the store failed with one of these codes. */
export function isCalled(error: unknown, ...names: readonly string[]): boolean {
  return names.includes(failureOf(error).name)
}

/** An answer to HEAD has its code in a header alone. A message has the id of the request in its further lines. */
function failureOf(error: unknown): Failure {
  const status = property(error, 'statusCode')
  const code = property(error, 'code') ?? property(property(error, 'details'), 'errorCode')
  const name = property(error, 'name')
  return {
    status: typeof status === 'number' ? status : undefined,
    name: typeof code === 'string' ? code : typeof name === 'string' ? name : 'Error',
    message: messageOf(error).split('\n', 1)[0] ?? '',
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}
