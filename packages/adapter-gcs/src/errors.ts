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
  retryAfterOf,
  sameMeaning,
  storeErrors,
  stringFieldOf,
  unavailable,
  webPage,
} from '@holdfast/core/backend'
import { TokenReplaced } from './logins.ts'

const { slowDown, storeFailed, damaged, noObject, noNetwork, expired, wrongClock } = commonMeanings

/**
 * The description of a token that begins or ends at a wrong time: "Token must be a short-lived token (60 minutes) and in a
 * reasonable timeframe. Check your iat and exp values in the JWT claim."
 * (https://github.com/googleapis/google-auth-library-nodejs/issues/129)
 */
const isByClock = /reasonable timeframe|\biat\b/

/** The codes of Node.js for a key that OpenSSL cannot read. Errors of TLS begin with `ERR_SSL_`. */
const ofPrivateKey = /^ERR_OSSL_(UNSUPPORTED|PEM_|ASN1_|EVP_)/

/** Failures of the credentials of the SDK. They occur before a request is sent. */
const beforeTheStore: Meanings = {
  NoCredentials: permissionDenied(
    'No credentials were found. Log in (gcloud auth application-default login), set GOOGLE_APPLICATION_CREDENTIALS, or set keyFilename.',
  ),
  NoKeyFile: misconfigured(
    'The file with the credentials cannot be read. Check GOOGLE_APPLICATION_CREDENTIALS.',
  ),
  NoPrivateKey: misconfigured(
    'The private key in the file with the credentials cannot be read. Create a new key, and check GOOGLE_APPLICATION_CREDENTIALS.',
  ),
  invalid_grant: expired,
  wrongClock,
  invalid_client: permissionDenied('Google no longer knows the credentials. Create new ones.'),
  invalid_target: permissionDenied(
    'The workload identity provider does not know the credentials. Check its configuration.',
  ),
  unauthorized_client: permissionDenied(
    'The credentials must not be used for this kind of login. Create new ones.',
  ),
}

/**
 * The reasons of the JSON API, and those that this file adds:
 * https://cloud.google.com/storage/docs/json_api/v1/status-codes.
 */
const meanings: Meanings = {
  ...beforeTheStore,
  notFound: noObject,
  NoSuchBucket: notFound('The bucket does not exist. Create it, or correct its name in the URL.'),
  TokenReplaced: unavailable('The store rejected the login. The next request logs in again.'),
  authError: permissionDenied(
    'The store rejected the credentials. Renew them (gcloud auth application-default login).',
  ),
  required: permissionDenied(
    'The store requires credentials, but the request had none. Pass credentials, or remove the option anonymous.',
  ),
  forbidden: permissionDenied(
    'The credentials do not allow this request. Check the roles of the account on the bucket (Storage Object User is sufficient).',
  ),
  insufficientPermissions: permissionDenied(
    'The credentials have no scope for Cloud Storage. Give the machine or the token the scope devstorage.read_write.',
  ),
  accountDisabled: permissionDenied('The account or its billing is disabled. Enable it.'),
  userProjectMissing: permissionDenied(
    'The requester pays for requests to the bucket. Set userProject to the project that pays.',
  ),
  userProjectInvalid: permissionDenied(
    'The project in userProject cannot pay. Check its name and its billing.',
  ),
  userProjectAccessDenied: permissionDenied(
    'The credentials do not allow billing the project in userProject. Grant serviceusage.services.use.',
  ),
  ...sameMeaning(
    ['retentionPolicyNotMet', 'objectUnderActiveHold'],
    permissionDenied(
      'A retention policy or a hold of the bucket protects the object. Nothing was changed. Delete it after the policy or hold ends.',
    ),
  ),
  conditionNotMet: { code: 'ALREADY_EXISTS', advice: 'The object exists.' },
  keyDisabled: permissionDenied(
    'The Cloud KMS key of the object is disabled or destroyed. Enable or restore the key.',
  ),
  BadDigest: damaged,
  ...sameMeaning(['rateLimitExceeded', 'userRateLimitExceeded'], slowDown),
  ...sameMeaning(['backendError', 'internalError'], storeFailed),
  quotaExceeded: permissionDenied(
    'A quota of the project is exhausted. See the quotas of Cloud Storage in the console.',
  ),
  uploadBrokenConnection: noNetwork,
  AbortError: unavailable('The request was interrupted.'),
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
  const retryAfter = retryAfterOf(headersOf(error)?.get?.('retry-after'))
  return {
    status,
    message,
    name: nameOf(error, status, reason, message),
    retryAfter,
    isOfStore: isOfStore(error),
  }
}

/**
 * Returns whether a response is one of Cloud Storage: it has an id, also without a body
 * (https://cloud.google.com/storage/docs/json_api/v1/parameters), or an error in the form of the API.
 */
function isOfStore(error: unknown): boolean {
  const id = headersOf(error)?.get?.('x-guploader-uploadid') ?? undefined
  return id !== undefined || numberFieldOf(fieldOf(parsedBodyOf(error), 'error'), 'code') !== undefined
}

function isWebPage(error: unknown): boolean {
  return isHtmlPage(headersOf(error)?.get?.('content-type'), String(bodyOf(error)))
}

function headersOf(error: unknown): Partial<Headers> | undefined {
  const { headers } = Object(fieldOf(error, 'response')) as { readonly headers?: Partial<Headers> }
  return headers
}

/** If a stream was requested, the SDK returns the body of an error only in the message. */
function bodyOf(error: unknown): unknown {
  return fieldOf(fieldOf(error, 'response'), 'data') ?? messageOf(error)
}

/** Returns the error in a response of the store or of a token server. */
function answerOf(error: unknown): { readonly reason: string | undefined; readonly message: string } {
  const parsed = parsedBodyOf(error)
  const reported = fieldOf(parsed, 'error')
  if (typeof reported === 'string') {
    const described = stringFieldOf(parsed, 'error_description') ?? ''
    const message = messageOf(error)
    return { reason: reported, message: message.includes(described) ? message : `${message}: ${described}` }
  }
  return {
    reason: stringFieldOf(fieldOf(fieldOf(reported, 'errors'), '0'), 'reason'),
    message: stringFieldOf(reported, 'message') ?? messageOf(error),
  }
}

function parsedBodyOf(error: unknown): unknown {
  const data = bodyOf(error)
  return typeof data === 'string' ? parsedOr(data, undefined) : data
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
  if (error instanceof TokenReplaced) return 'TokenReplaced'
  if (status === 404 && /bucket does not exist/i.test(message)) return 'NoSuchBucket'
  if (status === 412) return 'conditionNotMet'
  if (status === 400 && /match calculated/i.test(message)) return 'BadDigest'
  // A bucket whose requester pays: "Bucket is requester pays bucket but no user project provided."
  // (https://github.com/hashicorp/terraform-provider-google/issues/22452). With 400, `required` names any missing field.
  if (status === 400 && reason === 'required')
    return /user project/i.test(message) ? 'userProjectMissing' : 'missingField'
  if (reason === 'invalid_grant' && isByClock.test(message)) return 'wrongClock'
  if (reason !== undefined && Object.hasOwn(meanings, reason)) return reason
  if (status === 401) return 'authError'
  if (status === 403) return 'forbidden'
  if (status === undefined && /default credentials/i.test(message)) return 'NoCredentials'
  // The message of an error of a socket has another form: `connect EACCES 10.0.0.1:443`.
  if (status === undefined && /\b(ENOENT|EACCES): |Unable to read the credential file/.test(message))
    return 'NoKeyFile'
  const code = stringFieldOf(error, 'code')
  if (status === undefined && code !== undefined && ofPrivateKey.test(code)) return 'NoPrivateKey'
  return code ?? reason ?? stringFieldOf(error, 'name') ?? 'Error'
}
