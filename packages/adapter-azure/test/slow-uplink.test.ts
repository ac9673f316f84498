import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import { AzureBackend } from '../src/index.ts'

const minute = 60_000

afterEach(() => {
  vi.useRealTimers()
})

test('lets a block take as long as 64 KiB per minute take, since the connection ends if it is silent', async () => {
  const arrived = Promise.withResolvers<undefined>()
  const server = createServer(() => {
    arrived.resolve(undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const backend = new AzureBackend('account', 'container', 'a', {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`,
    accountKey: Buffer.alloc(64, 1).toString('base64'),
    retry: { attempts: 1, minDelay: 0, maxDelay: 0 },
  })
  onTestFinished(async () => {
    await backend.close()
    server.closeAllConnections()
    server.close()
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let failure: unknown
  const put = backend.put('k', Buffer.alloc(8 * 2 ** 20)).catch((error: unknown) => {
    failure = error
  })
  await arrived.promise
  await vi.advanceTimersByTimeAsync(128 * minute)
  expect(failure).toBeUndefined()
  await vi.advanceTimersByTimeAsync(2 * minute)
  await put
  expect(failure).toMatchObject({ code: 'UNAVAILABLE' })
})
