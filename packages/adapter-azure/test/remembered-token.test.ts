import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { AnonymousCredential, BlockBlobClient } from '@azure/storage-blob'
import { DirectTransfers } from '@holdfast/core/connections'
import { expect, onTestFinished, test } from 'vitest'
import { DirectReads } from '../src/direct.ts'
import type { TokenCredential } from '../src/options.ts'
import { rememberingToken, storageScope } from '../src/remembered-token.ts'

const hour = 3_600_000

/** A credential that counts its logins, and fails while `isBroken`. */
class CountedLogins implements TokenCredential {
  logins = 0
  isBroken = false
  now = 1_000_000
  refreshAfterTimestamp: number | undefined
  readonly clock = (): number => this.now

  async getToken(): ReturnType<TokenCredential['getToken']> {
    this.logins += 1
    if (this.isBroken) throw Object.assign(new Error('locked'), { name: 'CredentialUnavailableError' })
    const { refreshAfterTimestamp } = this
    const token = { token: `token ${this.logins}`, expiresOnTimestamp: this.now + hour }
    return refreshAfterTimestamp === undefined ? token : { ...token, refreshAfterTimestamp }
  }
}

test('logs in once for many requests, also if they begin together', async () => {
  const logins = new CountedLogins()
  const credential = rememberingToken(logins, logins.clock)
  const tokens = await Promise.all([0, 1, 2].map(() => credential.getToken(storageScope)))
  tokens.push(await credential.getToken([storageScope]))
  expect(new Set(tokens.map((each) => each?.token))).toEqual(new Set(['token 1']))
  expect(logins.logins).toBe(1)
})

test('replaces the token before it expires, and when the login asks for it, and returns the valid one meanwhile', async () => {
  const logins = new CountedLogins()
  const credential = rememberingToken(logins, logins.clock)
  const token = async (): Promise<string | undefined> => (await credential.getToken(storageScope))?.token
  await token()
  logins.now += hour - 4 * 60_000
  logins.refreshAfterTimestamp = logins.now + 1000
  expect(await token()).toBe('token 1')
  await setImmediate()
  expect(await token()).toBe('token 2')
  logins.refreshAfterTimestamp = undefined
  logins.now += 1000
  expect(await token()).toBe('token 2')
  await setImmediate()
  expect(await token()).toBe('token 3')
  expect(logins.logins).toBe(3)
})

test('uses the token while it is valid although the next login fails, and logs in every 30 seconds', async () => {
  const logins = new CountedLogins()
  const credential = rememberingToken(logins, logins.clock)
  await credential.getToken(storageScope)
  logins.isBroken = true
  logins.now += hour - 4 * 60_000
  for (const [wait, expected] of [
    [0, 2],
    [1000, 2],
    [28_999, 2],
    [1, 3],
    [1, 3],
  ] as const) {
    logins.now += wait
    expect((await credential.getToken(storageScope))?.token).toBe('token 1')
    await setImmediate()
    expect(logins.logins).toBe(expected)
  }
  logins.now += 4 * 60_000
  await expect(credential.getToken(storageScope)).rejects.toThrow('locked')
  logins.isBroken = false
  expect((await credential.getToken(storageScope))?.token).toBe('token 5')
})

test('ends a login that does not respond, and then logs in again', async () => {
  const logins = new CountedLogins()
  let hangs = true
  const getToken: TokenCredential['getToken'] = async () =>
    hangs ? new Promise(() => undefined) : logins.getToken()
  const credential = rememberingToken({ getToken }, logins.clock, 1)
  const late = { code: 'UNAVAILABLE', retryable: false, reason: expect.stringContaining('0.001 s') as string }
  await expect(credential.getToken(storageScope)).rejects.toMatchObject(late)
  hangs = false
  expect((await credential.getToken(storageScope))?.token).toBe('token 1')
})

test('returns a valid token while a login does not respond', async () => {
  const logins = new CountedLogins()
  let hangs = false
  const getToken: TokenCredential['getToken'] = async () =>
    hangs ? new Promise(() => undefined) : logins.getToken()
  const credential = rememberingToken({ getToken }, logins.clock)
  await credential.getToken(storageScope)
  hangs = true
  logins.now += hour - 60_000
  expect((await credential.getToken(storageScope))?.token).toBe('token 1')
  expect((await credential.getToken(storageScope))?.token).toBe('token 1')
})

test('passes on a request for a token of another scope or tenant', async () => {
  const logins = new CountedLogins()
  const credential = rememberingToken(logins, logins.clock)
  await credential.getToken(storageScope)
  expect((await credential.getToken('https://vault.azure.net/.default'))?.token).toBe('token 2')
  expect((await credential.getToken(storageScope, { tenantId: 'other' }))?.token).toBe('token 3')
  expect((await credential.getToken(storageScope))?.token).toBe('token 1')
})

test('leaves a caller whose signal fires, and logs in for the others', async () => {
  const logins = new CountedLogins()
  const stop = new AbortController()
  const credential = rememberingToken(logins, logins.clock)
  const stopped = credential.getToken(storageScope, { abortSignal: stop.signal })
  const other = credential.getToken(storageScope)
  stop.abort()
  await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' })
  expect((await other)?.token).toBe('token 1')
})

test('lets the SDK send a read whose login fails', async () => {
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    response.writeHead(206, { 'content-length': 1 }).end('x')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const logins = new CountedLogins()
  const transfers = new DirectTransfers({}, 1)
  onTestFinished(() => {
    transfers.destroy()
    server.closeAllConnections()
    server.close()
  })
  const blob = new BlockBlobClient(`http://127.0.0.1:${port}/container/k`, new AnonymousCredential())
  const direct = new DirectReads(transfers, logins)
  logins.isBroken = true
  expect(await direct.get(blob, {}, false, undefined)).toBeUndefined()
  expect(requests).toBe(0)
  logins.isBroken = false
  const response = await direct.get(blob, {}, false, undefined)
  expect(response?.status).toBe(206)
  response?.body.destroy()
})
