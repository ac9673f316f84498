import { expect, test } from 'vitest'
import { bodyLength, parseHead, requestText, staysOpen } from '../../../src/backend/direct/response-head.ts'

const lines = (...given: readonly string[]): string => given.join('\r\n')

test('reads the status and the headers of a response', () => {
  expect(
    parseHead(lines('HTTP/1.1 206 Partial Content', 'Content-Length: 12', 'ETag:"a: b"\t', 'x-empty:')),
  ).toEqual({ status: 206, headers: { 'content-length': '12', etag: '"a: b"', 'x-empty': '' } })
  expect(parseHead('HTTP/1.1 200')).toEqual({ status: 200, headers: {} })
})

test.each([
  '',
  'HTTP/1.0 200 OK',
  'HTTP/2 200',
  'HTTP/1.1 20 OK',
  'ICY 200 OK',
  lines('HTTP/1.1 200 OK', 'no colon'),
  lines('HTTP/1.1 200 OK', ' folded: line'),
  lines('HTTP/1.1 200 OK', 'space : value'),
  lines('HTTP/1.1 200 OK', 'a: b\nc: d'),
  lines('HTTP/1.1 200 OK', 'a: b\0c'),
])('rejects the head %j', (text) => {
  expect(parseHead(text)).toBeUndefined()
})

test.each([
  [{ 'content-length': '0' }, 0],
  [{ 'content-length': '1073741824' }, 1073741824],
  [{}, undefined],
  [{ 'content-length': '5, 5' }, undefined],
  [{ 'content-length': '-1' }, undefined],
  [{ 'content-length': '0x10' }, undefined],
  [{ 'content-length': '9'.repeat(16) }, undefined],
  [{ 'content-length': '5', 'transfer-encoding': 'chunked' }, undefined],
])('of the headers %j the size of the body is %s', (headers, length) => {
  expect(bodyLength({ status: 200, headers })).toBe(length)
})

test('joins repeated headers, so that two sizes are none', () => {
  const head = parseHead(lines('HTTP/1.1 200 OK', 'Content-Length: 5', 'content-length: 6'))
  expect(head && bodyLength(head)).toBeUndefined()
})

test.each([
  [undefined, true],
  ['keep-alive', true],
  ['close', false],
  ['Keep-Alive, Close', false],
])('with the header connection: %s the connection stays open: %s', (connection, expected) => {
  expect(staysOpen({ status: 200, headers: connection === undefined ? {} : { connection } })).toBe(expected)
})

test('writes a request, and none with characters that begin another header', () => {
  expect(requestText('/a?b=c', { host: 'h', range: 'bytes=0-1' })).toBe(
    'GET /a?b=c HTTP/1.1\r\nhost: h\r\nrange: bytes=0-1\r\n\r\n',
  )
  expect(requestText('/a b', {})).toBeUndefined()
  expect(requestText('a', {})).toBeUndefined()
  expect(requestText('/a', { host: 'h\r\nx: y' })).toBeUndefined()
  expect(requestText('/a', { 'x\r\ny': 'z' })).toBeUndefined()
  expect(requestText('/a', { 'x-name': '\u20ac' })).toBeUndefined()
})
