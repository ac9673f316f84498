import { createServer } from 'node:http'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Failure, mayHaveHappened, storeError } from '../../src/backend.ts'

const failure = (name: string, message = ''): Failure => ({ name, message, status: undefined })

function told(failed: Failure): {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
} {
  return storeError(new Error(failed.message), failed, {}, { what: 'The put of k', key: 'k' }, 's3://b')
}

describe('a failure without a response', () => {
  test.each([
    ['ECONNRESET', 'read ECONNRESET', true],
    ['EPROTO', 'write EPROTO 40E7:error:0A000119:SSL routines::decryption failed or bad record mac', true],
    [
      'ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC',
      '40E7:error:0A0003FC:SSL routines::ssl/tls alert bad record mac',
      true,
    ],
    ['ENETDOWN', 'read ENETDOWN', true],
    ['ENETDOWN', 'connect ENETDOWN 10.0.0.1:443', false],
    ['EHOSTDOWN', 'connect EHOSTDOWN 10.0.0.1:443', false],
    ['EADDRNOTAVAIL', 'connect EADDRNOTAVAIL 10.0.0.1:443', false],
    ['ENETRESET', 'read ENETRESET', true],
    ['ENOBUFS', 'write ENOBUFS', true],
    ['EPERM', 'connect EPERM 10.0.0.1:443', false],
    ['EACCES', 'connect EACCES 10.0.0.1:443', false],
    ['EMFILE', 'connect EMFILE 10.0.0.1:443 - Local (undefined:undefined)', false],
    ['EAI_FAIL', 'getaddrinfo EAI_FAIL store.example', false],
    ['EAI_NODATA', 'getaddrinfo EAI_NODATA store.example', false],
    [
      'EHOSTUNREACH',
      'request to https://store.example/ failed, reason: connect EHOSTUNREACH 10.0.0.1:443',
      false,
    ],
    ['EHOSTUNREACH', 'read EHOSTUNREACH', true],
    ['ENETUNREACH', '', false],
    ['EACCES', '', true],
    ['ECONNRESET', 'socket hang up', true],
    ['ECONNRESET', 'Client network socket disconnected before secure TLS connection was established', true],
    ['EINVAL', 'connect EINVAL 10.0.0.1:443', false],
    ['EPROXY', 'The proxy http://proxy:3128 did not connect to store.example:443: 403 Forbidden', false],
    ['HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/', true],
    ['UND_ERR_HEADERS_TIMEOUT', 'Headers Timeout Error', true],
    ['TimeoutError', 'No response arrived for 60000 ms', true],
  ])('that Node.js calls %s (%s) can be retried, and may have been executed: %s', (name, message, maybe) => {
    const failed = failure(name, message)
    expect(told(failed)).toMatchObject({ code: 'UNAVAILABLE', retryable: true })
    expect(mayHaveHappened(failed)).toBe(maybe)
  })

  test.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    'by the certificate (%s) is one of the configuration, and nothing was sent',
    (name) => {
      expect(told(failure(name))).toMatchObject({ code: 'CONFIG' })
      expect(mayHaveHappened(failure(name))).toBe(false)
    },
  )

  test.each([
    ['EACCES', "EACCES: permission denied, open '/home/me/.aws/config'"],
    ['ERR_INVALID_ARG_TYPE', 'The "chunk" argument must be of type string'],
    ['EPIPE', 'EPIPE: broken pipe, write'],
    ['ERR_ASSERTION', 'Expected values to be strictly equal'],
    ['ERR_CANCELED', 'canceled'],
    ['EXPIRED_TOKEN', 'The token has expired'],
    ['ERROR', ''],
    ['ENOENT', ''],
  ])('of something other than a connection is not retried: %s', (name, message) => {
    expect(told(failure(name, message))).toMatchObject({ code: 'UNSUPPORTED', retryable: false })
  })

  test.each([
    ['EPROTO', 'write EPROTO 40E7:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version'],
    [
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      '40E7:error:0A00042E:SSL routines::tlsv1 alert protocol version',
    ],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', '40E7:error:0A000410::ssl/tls alert handshake failure'],
    ['EPROTO', 'write EPROTO 40E7:error:0A000152:SSL routines::unsafe legacy renegotiation disabled'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', '40E7:error:0A00045C::tlsv13 alert certificate required'],
  ])(
    'by a refusal of TLS (%s, %s) is one of the configuration, and nothing was executed',
    (name, message) => {
      const failed = failure(name, message)
      expect(told(failed)).toMatchObject({ code: 'CONFIG', retryable: false })
      expect(told(failed).message).toContain('client certificate')
      expect(mayHaveHappened(failed)).toBe(false)
    },
  )

  test.each(['ENOENT', 'EACCES'])('of a login whose program cannot be started (%s) names it', (code) => {
    const failed = failure(code, `spawn az ${code}`)
    expect(told(failed)).toMatchObject({ code: 'CONFIG', retryable: false })
    expect(told(failed).message).toMatch(/cannot be started.*spawn az/)
    expect(mayHaveHappened(failed)).toBe(false)
  })

  test('by a file limit names the limit', () => {
    expect(told(failure('EMFILE', 'connect EMFILE 10.0.0.1:443')).message).toContain('ulimit -n')
  })

  test('because a server does not speak TLS names the endpoint', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const error = await new Promise<Error>((resolve) => {
      get(`https://127.0.0.1:${port}/`).once('error', resolve)
    })
    const failed = failure(String(Reflect.get(error, 'code')), error.message)
    expect(told(failed)).toMatchObject({ code: 'CONFIG' })
    expect(told(failed).message).toContain('Write http:// instead of https://')
  })
})

test('a 404 for a request that names no object is about the address of the store', () => {
  const notFound = { name: 'NotFound', message: '', status: 404 }
  const list = storeError(new Error('404'), notFound, {}, { what: 'Listing s3://b' }, 's3://b')
  expect(list).toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('Check the endpoint') as string,
  })
  expect(told(notFound).message).toContain('The object does not exist')
})
