import type { Socket } from 'node:net'
import { type Agents, agentsTrusting } from '../proxies/agents.ts'
import type { Variables } from '../proxies/proxy-for.ts'
import { openRequest, wholeResponse } from './requests.ts'
import type { Sender, UploadRequest, WholeResponse } from './sender.ts'

/** Milliseconds in which bytes must be sent or arrive. */
const idleTimeout = 60_000

/** Milliseconds until the host must accept a connection. The client of S3 has the same limit. */
const longestConnecting = 10_000

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

  async send(request: UploadRequest, signal: AbortSignal | undefined): Promise<WholeResponse> {
    this.#agents ??= agentsTrusting(this.#authorities, this.#variables, { idleTimeout })
    const opened = openRequest(request, this.#agents, signal)
    opened.once('socket', (socket) => {
      if (socket.connecting) limitConnecting(socket, this.#longestConnecting)
    })
    opened.end(request.body)
    return wholeResponse(opened, undefined, signal)
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
