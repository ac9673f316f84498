import { HoldfastError } from '@holdfast/core'
import { messageOf } from '@holdfast/core/backend'
import { expect, test } from 'vitest'
import { mayHaveHappened, storeError } from '../src/errors.ts'

const answer = (
  status: number,
  reason?: string,
  message = `${status} ${reason ?? 'without a reason'}`,
): object =>
  Object.assign(new Error(message), {
    status,
    response: { status, data: { error: { code: status, message, errors: [{ reason, message }] } } },
  })

test.each([
  [answer(401, 'authError'), 'PERMISSION_DENIED', 'Renew them'],
  [answer(401), 'PERMISSION_DENIED', 'Renew them'],
  [answer(401, 'required'), 'PERMISSION_DENIED', 'the request had none'],
  [
    answer(400, 'required', 'Bucket is requester pays bucket but no user project provided.'),
    'PERMISSION_DENIED',
    'Set userProject',
  ],
  [answer(400, 'required', 'Required parameter: name'), 'INVALID_ARGUMENT', 'rejected the request'],
  [
    Object.assign(new Error('invalid_grant'), {
      status: 400,
      response: {
        data: {
          error: 'invalid_grant',
          error_description:
            'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.',
        },
      },
    }),
    'PERMISSION_DENIED',
    'clock of this machine',
  ],
  [answer(403, 'forbidden'), 'PERMISSION_DENIED', 'Storage Object User'],
  [answer(403), 'PERMISSION_DENIED', 'Storage Object User'],
  [answer(403, 'retentionPolicyNotMet'), 'PERMISSION_DENIED', 'Nothing was changed'],
  [answer(403, 'objectUnderActiveHold'), 'PERMISSION_DENIED', 'Nothing was changed'],
  [answer(400, 'userProjectMissing'), 'PERMISSION_DENIED', 'userProject'],
  [answer(404, 'notFound', 'No such object: bucket/x'), 'NOT_FOUND', 'The object does not exist'],
  [answer(404, 'notFound', 'The specified bucket does not exist.'), 'NOT_FOUND', 'The bucket does not exist'],
  [answer(412, 'conditionNotMet'), 'ALREADY_EXISTS', 'The object exists'],
  [
    answer(400, 'invalid', 'Provided CRC32C "AAAAAA==" doesn\'t match calculated CRC32C "4waSgw==".'),
    'UNAVAILABLE',
    'damaged',
  ],
  [answer(400, 'invalid'), 'INVALID_ARGUMENT', 'rejected the request'],
  [answer(429, 'rateLimitExceeded'), 'UNAVAILABLE', 'too many requests'],
  [answer(429), 'UNAVAILABLE', 'too many requests'],
  [answer(403, 'userRateLimitExceeded'), 'UNAVAILABLE', 'too many requests'],
  [answer(500, 'internalError'), 'UNAVAILABLE', 'The store failed'],
  [answer(503), 'UNAVAILABLE', 'The store failed'],
  [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), 'UNAVAILABLE', 'network'],
  [Object.assign(new Error('aborted due to timeout'), { code: 'TimeoutError' }), 'UNAVAILABLE', 'network'],
  [
    new Error('Could not load the default credentials. Browse to https://cloud.google.com/docs'),
    'PERMISSION_DENIED',
    'gcloud auth application-default login',
  ],
  [
    Object.assign(new Error('invalid_grant'), {
      status: 400,
      response: { data: { error: 'invalid_grant', error_description: 'Token has been revoked.' } },
    }),
    'PERMISSION_DENIED',
    'expired',
  ],
  [
    Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }),
    'CONFIG',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ],
  [
    new SyntaxError('Unable to read the credential file specified by the variable: Unexpected token'),
    'CONFIG',
    'Check GOOGLE_APPLICATION_CREDENTIALS',
  ],

  [
    Object.assign(new Error('error:1E08010C:DECODER routines::unsupported'), {
      code: 'ERR_OSSL_UNSUPPORTED',
    }),
    'CONFIG',
    'private key in the file',
  ],
])('maps %s to %s', (error, code, advice) => {
  const told = storeError(error, { what: 'The put of k', key: 'k' }, 'gs://b/r')
  expect(told).toMatchObject({
    code,
    key: 'k',
    url: 'gs://b/r',
    cause: { message: messageOf(error) },
  })
  expect(told.message).toMatch(/^The put of k failed\. /)
  expect(told.message).toContain(advice)
})

test('reads the error in a response that arrived as text', () => {
  const data = JSON.stringify({ error: { message: 'Held', errors: [{ reason: 'objectUnderActiveHold' }] } })
  const error = Object.assign(new Error('403'), { status: 403, response: { data } })
  expect(storeError(error, { what: 'x' }, 'gs://b').message).toContain('Held')
})

test('returns a Holdfast error unchanged', () => {
  const error = new HoldfastError('CORRUPT', 'bad', { key: 'k', url: 'gs://b' })
  expect(storeError(error, { what: 'x', key: 'k' }, 'gs://b')).toBe(error)
})

test.each([
  [answer(503), true],
  [Object.assign(new Error('reset'), { code: 'ECONNRESET' }), true],
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), false],
  [answer(403, 'forbidden'), false],
  [answer(429), false],
  [new Error('Could not load the default credentials.'), false],
])('reports that %s may have been executed: %s', (error, maybe) => {
  expect(mayHaveHappened(error)).toBe(maybe)
})
