import {
  commonMeanings,
  type Failure,
  fieldOf,
  isHtmlPage,
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
  webPage,
} from '@holdfast/core/backend'

const { slowDown, storeFailed, damaged, noObject, noNetwork, expired } = commonMeanings

/** Failures of the credentials of the SDK. They occur before a request is sent. */
const beforeTheStore: Meanings = {
  NoCredentials: permissionDenied(
    'No credentials were found. Log in (gcloud auth application-default login), set GOOGLE_APPLICATION_CREDENTIALS, or name a keyFilename.',
  ),
  ...sameMeaning(
    ['ENOENT', 'EACCES'],
    misconfigured('The file with the credentials cannot be read: check GOOGLE_APPLICATION_CREDENTIALS.'),
  ),
  invalid_grant: expired,
  invalid_client: permissionDenied('The credentials are not known to Google any more.'),
  invalid_target: permissionDenied('The workload identity provider does not know these credentials.'),
  unauthorized_client: permissionDenied('The credentials may not be used for this.'),
}

/**
 * The reasons of the JSON API, and those that this file adds:
 * https://cloud.google.com/storage/docs/json_api/v1/status-codes.
 */
const meanings: Meanings = {
  ...beforeTheStore,
  notFound: noObject,
  NoSuchBucket: notFound('There is no such bucket. Make it, or correct its name in the URL.'),
  authError: permissionDenied(
    'The store does not accept the credentials. Renew them (gcloud auth application-default login).',
  ),
  required: permissionDenied(
    'The store asks for credentials, and none were sent. Give some, or leave out anonymous.',
  ),
  forbidden: permissionDenied(
    'The credentials do not allow it: check the roles of the account on the bucket (Storage Object User has all that is needed).',
  ),
  insufficientPermissions: permissionDenied(
    'The credentials have no scope for Cloud Storage: give the machine or the token devstorage.read_write.',
  ),
  accountDisabled: permissionDenied('The account or its billing is disabled.'),
  userProjectMissing: permissionDenied(
    'The bucket lets the requester pay: name the project that does, by userProject.',
  ),
  userProjectInvalid: permissionDenied(
    'The project named by userProject cannot pay: check its name and its billing.',
  ),
  userProjectAccessDenied: permissionDenied(
    'The credentials may not let the project of userProject pay (serviceusage.services.use).',
  ),
  ...sameMeaning(
    ['retentionPolicyNotMet', 'objectUnderActiveHold'],
    permissionDenied(
      'A retention policy or a hold of the bucket protects the object. Nothing is lost: it stays until the policy lets it go, and can be deleted then.',
    ),
  ),
  conditionNotMet: { code: 'ALREADY_EXISTS', advice: 'The object is there already.' },
  keyDisabled: permissionDenied('The Cloud KMS key of the object is disabled or destroyed.'),
  BadDigest: damaged,
  ...sameMeaning(['rateLimitExceeded', 'userRateLimitExceeded'], slowDown),
  ...sameMeaning(['backendError', 'internalError'], storeFailed),
  quotaExceeded: permissionDenied(
    'A quota of the project is used up: see the quotas of Cloud Storage in its console.',
  ),
  uploadBrokenConnection: noNetwork,
  AbortError: unavailable('The request was cut off.'),
}

const errors = storeErrors(meanings, failureOf)

export const { storeError, hasStatus, isCalled } = errors

/** Returns whether the store may have executed the request although it failed. */
export function mayHaveHappened(error: unknown): boolean {
  return !Object.hasOwn(beforeTheStore, failureOf(error).name) && errors.mayHaveHappened(error)
}

function failureOf(error: unknown): Failure {
  const status = numberFieldOf(error, 'status')
  if (status !== undefined && status < 500 && isWebPage(error))
    return { status, name: webPage, message: `HTTP ${status}` }
  const { reason, message } = answerOf(error)
  return { status, message, name: nameOf(error, status, reason, message) }
}

function isWebPage(error: unknown): boolean {
  const { headers } = Object(fieldOf(error, 'response')) as { readonly headers?: Partial<Headers> }
  return isHtmlPage(headers?.get?.('content-type'), String(bodyOf(error)))
}

/** If a stream was requested, the SDK returns the body of an error only in the message. */
function bodyOf(error: unknown): unknown {
  return fieldOf(fieldOf(error, 'response'), 'data') ?? messageOf(error)
}

/** Returns the error in a response of the store or of a token server. */
function answerOf(error: unknown): { readonly reason: string | undefined; readonly message: string } {
  const data = bodyOf(error)
  const told = fieldOf(typeof data === 'string' ? parsedOr(data, undefined) : data, 'error')
  if (typeof told === 'string') return { reason: told, message: messageOf(error) }
  return {
    reason: stringFieldOf(fieldOf(fieldOf(told, 'errors'), '0'), 'reason'),
    message: stringFieldOf(told, 'message') ?? messageOf(error),
  }
}

function parsedOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return otherwise
  }
}

/**
 * The store uses the same reason for a missing bucket and a missing object, and for a wrong checksum and any invalid
 * field.
 */
function nameOf(
  error: unknown,
  status: number | undefined,
  reason: string | undefined,
  message: string,
): string {
  if (status === 404 && /bucket does not exist/i.test(message)) return 'NoSuchBucket'
  if (status === 412) return 'conditionNotMet'
  if (status === 400 && /match calculated/i.test(message)) return 'BadDigest'
  if (reason !== undefined && Object.hasOwn(meanings, reason)) return reason
  if (status === 401) return 'authError'
  if (status === 403) return 'forbidden'
  if (status === undefined && /default credentials/i.test(message)) return 'NoCredentials'
  return stringFieldOf(error, 'code') ?? reason ?? stringFieldOf(error, 'name') ?? 'Error'
}
