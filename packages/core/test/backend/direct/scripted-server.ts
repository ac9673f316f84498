import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import type { DirectRequest } from '../../../src/connections.ts'
import { BufferPool } from '../../../src/backend/source/buffer-pool.ts'

export const bytes = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => (index * 7919) >> 8))

/** What a scripted server does with the next request. */
export type Response = (socket: Socket) => void

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** Registers what to do after the test. */
export function afterTest(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp)
}

/** Starts a server that answers each request by the next response of the script. */
export async function startServer(script: readonly Response[]) {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (text) => {
      requests.push(text.toString())
      script[requests.length - 1]?.(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterTest(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const request: DirectRequest = {
    protocol: 'http:',
    host: '127.0.0.1',
    port,
    path: '/object',
    headers: { host: 'h' },
  }
  return { request, requests, sockets }
}

export function head(status: string, ...headers: readonly string[]): string {
  return [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n')
}

export const whole: Response = (socket) => {
  socket.write(head('206 Partial Content', `content-length: ${bytes.byteLength}`))
  socket.write(bytes)
}

export function newPool(size = 1_000_000): BufferPool {
  return new BufferPool(size, (length) => Buffer.from(new SharedArrayBuffer(length)))
}

/** Reads a body into buffers that are used again at once. */
export async function received(
  chunks: AsyncIterable<Uint8Array> | undefined,
  pool?: BufferPool,
): Promise<Buffer> {
  if (chunks === undefined) throw new Error('There is no response')
  const seen: Buffer[] = []
  for await (const chunk of chunks) {
    seen.push(Buffer.from(chunk))
    pool?.give(chunk)
  }
  return Buffer.concat(seen)
}
