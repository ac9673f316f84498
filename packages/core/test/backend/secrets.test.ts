import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { HoldfastError } from '../../src/index.ts'
import { redact, Secrets, storeError } from '../../src/backend.ts'

test.each([
  ['request to http://u:PASS@host/x failed', 'request to http://[redacted]@host/x failed'],
  ['GET https://h/o?upload_id=PASS&a=b: 403', 'GET https://h/o?[redacted] 403'],
  ['Authorization: Bearer PASS12345678', 'Authorization: Bearer [redacted]'],
  ['{"authorization":"Basic UEFTUzEyMzQ="}', '{"authorization":"Basic [redacted]"}'],
  [
    'AWS4-HMAC-SHA256 Credential=AKIA/2026/PASS, SignedHeaders=host;date, Signature=PASS99 was refused',
    'AWS4-HMAC-SHA256 [redacted] was refused',
  ],
  ['SharedKey account:PASS1234567=', 'SharedKey [redacted]'],
  ['sig=PASS%2B&se=2026', 'sig=[redacted]&se=2026'],
  ['AccountKey=PASSPASS==;EndpointSuffix=x', 'AccountKey=[redacted];EndpointSuffix=x'],
  ['<SessionToken>PASSPASS</SessionToken>', '<SessionToken>[redacted]</SessionToken>'],
  ['refresh_token: "PASSPASS"', 'refresh_token: "[redacted]"'],
  ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJQQVNTIn0.PASS_x is expired', '[redacted] is expired'],
  ['ya29.a0PASS-x is expired', '[redacted] is expired'],
  ['Basic authentication is not allowed', 'Basic authentication is not allowed'],
  [
    'The security token included in the request is invalid',
    'The security token included in the request is invalid',
  ],
  ['There is no key data/a/model.pth in https://h/b', 'There is no key data/a/model.pth in https://h/b'],
])('redacts %s', (text, shown) => {
  expect(redact(text)).toBe(shown)
  expect(redact(shown)).toBe(shown)
})

test('redacts sent secrets as a whole, in parts and in URL encoding', () => {
  const secrets = new Secrets()
  secrets.add('Bearer opaque+PASS/1234')
  expect(secrets.redact('you sent opaque+PASS/1234, that is opaque%2BPASS%2F1234')).toBe(
    'you sent [redacted], that is [redacted]',
  )
})

test('remembers the most recent secrets', () => {
  const secrets = new Secrets()
  for (let renewal = 0; renewal < 1000; renewal += 1) secrets.add(`opaque-PASS-${renewal}`)
  expect(secrets.redact('opaque-PASS-999')).toBe('[redacted]')
})

test('returns a cause with names and codes, without requests, responses and secrets', () => {
  const inner = Object.assign(new Error('connect to PASSPASS'), { code: 'ECONNREFUSED', host: 'PASSPASS' })
  const thrown = Object.assign(new Error('The server says PASSPASS', { cause: inner }), {
    name: 'RestError',
    statusCode: 403,
    response: { body: 'PASSPASS' },
    config: { headers: { authorization: 'PASSPASS' } },
  })
  const secrets = new Secrets()
  secrets.add('PASSPASS')
  const failure = { name: 'Forbidden', status: 403, message: thrown.message }
  const error = storeError(thrown, failure, {}, { what: 'The put of k' }, 's3://b', secrets)
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('PASS')
  expect(error.cause).toMatchObject({
    name: 'RestError',
    message: 'The server says [redacted]',
    statusCode: 403,
    cause: { code: 'ECONNREFUSED' },
  })
})

test('returns a Holdfast error unchanged', () => {
  const error = new HoldfastError('CORRUPT', 'bad', { key: 'k', url: 's3://b', cause: new Error('why') })
  expect(storeError(error, { name: '', status: undefined, message: '' }, {}, { what: 'x' }, 's3://b')).toBe(
    error,
  )
})
