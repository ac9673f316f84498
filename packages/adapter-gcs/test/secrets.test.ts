import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'

/** Repeats each request in its error, as proxies do for debugging. */
const server = createServer((request, response) => {
  const message = JSON.stringify({ url: request.url, ...request.headers })
  response.writeHead(403, { 'content-type': 'application/json', 'x-repeated': request.headers.authorization })
  response.end(
    JSON.stringify({
      error: { message, errors: [{ reason: 'forbidden', message }], extra: request.headers },
    }),
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

test('omits a token from errors that the server repeats', async () => {
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 'opaque/PASS+token', expiry_date: Date.now() + 3_600_000 })
  const client = new Storage({ authClient, apiEndpoint: endpoint, useAuthWithCustomEndpoint: true })
  const backend = new GcsBackend('bucket', 'a', { client })
  for (const call of [
    () => backend.put('k', Buffer.from('x')),
    () => backend.commit('k', Buffer.from('x')),
    () => backend.read('k'),
    () => Array.fromAsync(backend.list('')),
  ]) {
    const error: unknown = await call().catch((thrown: unknown) => thrown)
    const shown = inspect(error, { depth: Infinity, showHidden: true })
    expect(shown).toContain('PERMISSION_DENIED')
    expect(shown).toContain('[redacted]')
    expect(shown).not.toContain('PASS')
  }
})

test('omits the content of a broken key file from the error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-key-'))
  const keyFilename = join(folder, 'key.json')
  await writeFile(keyFilename, '{"k":"PASS"PASS}')
  let thrown: unknown
  try {
    new GcsBackend('bucket', 'a', { keyFilename })
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ code: 'CONFIG' })
  expect(inspect(thrown, { depth: Infinity, showHidden: true })).not.toContain('PASS')
  await rm(folder, { recursive: true })
})
