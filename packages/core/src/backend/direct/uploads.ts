import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import { HoldfastError } from '../../errors.ts'
import { type Agents, agentsTrusting } from '../proxies/agents.ts'
import type { Variables } from '../proxies/proxy-for.ts'
import type { Sender, UploadRequest, WholeResponse } from './sender.ts'

/** Milliseconds in which bytes must be sent or arrive. */
const idleTimeout = 60_000

/** Milliseconds until the host must accept a connection. The client of S3 has the same limit. */
const longestConnecting = 10_000

/** The largest response to an upload in bytes. Stores send none, or a short document with an error. */
const mostResponseBytes = 2 ** 20

/** Sends requests with large bodies by the HTTP client of Node.js, which does not copy the body of a request. */
export class Uploads implements Sender {
  readonly #variables: Variables
  readonly #authorities: readonly string[] | undefined
  readonly #longestConnecting: number
  #agents: Agents | undefined

  /**
   * `variables` is the environment, whose proxies apply. `authorities` are the certificate authorities to trust. `connecting` is
   * the limit in milliseconds until the host accepts a connection.
   */
  constructor(
    variables: Variables,
    authorities: readonly string[] | undefined,
    connecting: number = longestConnecting,
  ) {
    this.#longestConnecting = connecting
    this.#variables = variables
    this.#authorities = authorities
  }

  async send(
    { protocol, host, port, path, method, headers, body }: UploadRequest,
    signal: AbortSignal | undefined,
  ): Promise<WholeResponse> {
    this.#agents ??= agentsTrusting(this.#authorities, this.#variables, { idleTimeout })
    const abortable = signal === undefined ? {} : { signal }
    const options = { host, port, path, method, headers, ...abortable }
    const request =
      protocol === 'http:'
        ? http.request({ ...options, agent: this.#agents.http })
        : https.request({ ...options, agent: this.#agents.https })
    request.once('socket', (socket) => {
      if (socket.connecting) limitConnecting(socket, this.#longestConnecting)
    })
    request.on('error', () => undefined) // a connection can also fail after its response has begun
    request.end(body)
    try {
      const [response] = (await once(request, 'response', abortable)) as [http.IncomingMessage]
      return {
        status: response.statusCode ?? 0,
        headers: joined(response.headers),
        body: await wholeOf(response),
      }
    } finally {
      // The caller uses the memory of the body again, so the rest of it must not be sent after an early response.
      if (!request.writableFinished) request.destroy()
    }
  }

  destroy(): void {
    this.#agents?.destroy()
  }
}

/** Ends a connection that the host does not accept in time. The error has the form of Node.js, so it is known that nothing was sent. */
function limitConnecting(socket: Socket, limit: number): void {
  const timer = setTimeout(() => {
    const error = new Error(`connect ETIMEDOUT (no connection for ${limit / 1000} s)`)
    socket.destroy(Object.assign(error, { code: 'ETIMEDOUT', syscall: 'connect' }))
  }, limit)
  const stop = (): void => {
    clearTimeout(timer)
  }
  socket.once('connect', stop).once('close', stop)
}

/** Only `set-cookie` has several values, which no store sends. */
function joined(headers: http.IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')] as const],
    ),
  )
}

async function wholeOf(response: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.byteLength
    if (size > mostResponseBytes) {
      const message = `The response to an upload has more than ${mostResponseBytes} bytes, the maximum. Check the endpoint.`
      throw new HoldfastError('UNAVAILABLE', message)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
