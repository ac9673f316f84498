import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

/** Repeats each request in its error, as proxies do for debugging. */
const server = createServer((request, response) => {
  const repeated = JSON.stringify({ url: request.url, ...request.headers }).replaceAll('&', '&amp;')
  const token = String(request.headers['x-amz-security-token'])
  response.writeHead(400, { 'content-type': 'application/xml', 'x-repeated': token })
  response.end(
    `<Error><Code>SignatureDoesNotMatch</Code><Message>${repeated} ${token}</Message><Token>${token}</Token></Error>`,
  )
})
let endpoint = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
})

const credentials = {
  accessKeyId: 'AKIAPASS',
  secretAccessKey: 'PASS-secret',
  sessionToken: 'opaque/PASS+token==',
}

test.each([
  ['a client of its own', () => ({ credentials, endpoint })],
  [
    'a ready-made client',
    () => ({ client: new S3Client({ endpoint, region: 'r', credentials, maxAttempts: 1 }) }),
  ],
])('omits secrets from errors that the server repeats, by %s', async (_, options) => {
  const backend = new S3Backend('bucket', 'a', options())
  for (const call of [
    () => backend.put('k', Buffer.from('x')),
    () => backend.commit('k', Buffer.from('x')),
    () => backend.read('k'),
    () => Array.fromAsync(backend.list('')),
  ]) {
    const error: unknown = await call().catch((thrown: unknown) => thrown)
    const shown = inspect(error, { depth: Infinity, showHidden: true })
    expect(shown).toContain('SignatureDoesNotMatch')
    expect(shown).not.toContain('PASS')
    expect(shown).not.toMatch(/Signature=[0-9a-f]/)
  }
  await backend.close()
})

test('leaves a ready-made client unchanged after close', async () => {
  const client = new S3Client({ endpoint, region: 'r', credentials })
  const before = client.middlewareStack.identify()
  const backend = new S3Backend('bucket', 'a', { client })
  await backend.close()
  expect(client.middlewareStack.identify()).toEqual(before)
  client.destroy()
})
