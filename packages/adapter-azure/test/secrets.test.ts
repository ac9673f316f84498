import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AzureBackend, type AzureOptions } from '../src/index.ts'

const sent = new Set<string>()

/** Repeats each request in its error, as proxies do for debugging. */
const server = createServer((request, response) => {
  const { authorization } = request.headers
  const signature = authorization?.split(':')[1]
  if (signature !== undefined) sent.add(signature)
  const repeated = JSON.stringify({ url: request.url, ...request.headers }).replaceAll('&', '&amp;')
  response.writeHead(403, {
    'content-type': 'application/xml',
    'x-ms-error-code': 'AuthorizationFailure',
    'x-repeated': String(authorization),
  })
  response.end(
    request.method === 'HEAD'
      ? ''
      : `<Error><Code>AuthorizationFailure</Code><Message>${repeated}</Message></Error>`,
  )
})
let endpoint = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`
})

afterAll(() => {
  server.close()
})

test.each<[string, AzureOptions]>([
  ['a key', { accountKey: randomBytes(64).toString('base64') }],
  ['a signature', { sasToken: 'sv=2026&se=2027&sig=PASS%2BPASS%3D' }],
])('omits %s from errors that the server repeats', async (_, options) => {
  const backend = new AzureBackend('account', 'container', 'a', { endpoint, ...options })
  sent.clear()
  for (const call of [
    () => backend.put('k', Buffer.from('x')),
    () => backend.commit('k', Buffer.from('x')),
    () => backend.read('k'),
    () => Array.fromAsync(backend.list('')),
  ]) {
    const error: unknown = await call().catch((thrown: unknown) => thrown)
    const shown = inspect(error, { depth: Infinity, showHidden: true })
    expect(shown).toContain('AuthorizationFailure')
    expect(shown).not.toContain('PASS')
    for (const secret of sent) expect(shown).not.toContain(secret)
  }
  expect(sent.size).toBe(options.accountKey === undefined ? 0 : 4)
  await backend.close()
})
