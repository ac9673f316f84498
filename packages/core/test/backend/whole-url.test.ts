import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { connectToProxy } from '../../src/backend/proxies/whole-url.ts'

const identity = ['localhost.pem', 'localhost-key.pem'].map((name) =>
  readFileSync(new URL(`../../../../tests/stores/test/support/${name}`, import.meta.url)),
)

/** Starts a proxy. Returns its host and port. */
async function listening(server: Server): Promise<string> {
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Returns the error of a connection to a proxy. */
async function errorOf(proxy: string): Promise<unknown> {
  const socket = connectToProxy(new URL(proxy), undefined)
  const { promise, resolve } = Promise.withResolvers<unknown>()
  socket.once('error', resolve)
  return promise
}

test.each(['http', 'https'])(
  'sends the pieces of a request to a proxy of %s without delay',
  async (scheme) => {
    const address = await listening(createServer())
    const spied = vi.spyOn(Socket.prototype, 'setNoDelay')
    onTestFinished(() => {
      spied.mockRestore()
    })
    const socket = connectToProxy(new URL(`${scheme}://${address}`), undefined)
    socket.on('error', () => undefined).destroy()
    expect(spied.mock.contexts).toContain(socket)
  },
)

test('names a proxy that does not speak TLS', async () => {
  const address = await listening(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  expect(await errorOf(`https://user:PASSWORD@${address}`)).toMatchObject({
    code: 'EPROXY',
    message: expect.stringContaining(`The connection to the proxy https://${address} failed`) as string,
  })
})

test('names a proxy with an untrusted certificate, and keeps the code of the certificate', async () => {
  const [cert, key] = identity
  const address = await listening(createSecureServer({ cert, key }))
  expect(await errorOf(`https://${address}`)).toMatchObject({
    code: expect.stringMatching(/CERT|UNABLE_TO_/) as string,
    message: expect.stringContaining(`The connection to the proxy https://${address} failed`) as string,
  })
})
