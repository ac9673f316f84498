import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectSecure, type ConnectionOptions } from 'node:tls'
import { HoldfastError } from '../../errors.ts'
import { authoritiesOf } from '../proxies/authorities.ts'
import { proxyFor, type Target, type Variables } from '../proxies/proxy-for.ts'
import { overloaded } from '../overload.ts'
import { brokenConnection, Connection, type UnreadableResponse } from './connection.ts'
import type { DirectBody } from './direct-body.ts'
import type { DirectRequest, DirectResponse, Receiver } from './receiver.ts'
import { nameOf, RecentTargets } from './recent-targets.ts'
import { requestText } from './response-head.ts'

/** Bun and Deno do not receive into the buffers of a caller. They have the global variables Bun and Deno. */
export const mayReceiveDirectly = !('Bun' in globalThis) && !('Deno' in globalThis)

/**
 * Sends GET requests of large bodies over its own connections, which receive into the buffers of the reader.
 *
 * The HTTP clients of Node.js hand out a new buffer for each 64 KiB, and copy the body on the way. Receiving 1 GiB
 * through them takes twice the processor time of the system calls. `bench/LIMITS.md` has the numbers.
 *
 * For an unusual request or response, `get` resolves to `undefined`, and the SDK sends the request.
 */
export class DirectConnections implements Receiver {
  readonly #variables: Variables
  readonly #authorities: readonly string[] | undefined
  readonly #idle = new Map<string, Connection[]>()
  readonly #open = new Set<Connection>()
  /** The targets whose responses could not be read here. The SDK reads from them for a while. */
  readonly #unreadable: RecentTargets
  /** The targets that refused the latest request. */
  readonly #refusing = new Set<string>()
  #isDestroyed = false

  /**
   * `variables` is the environment, whose proxies apply. `authorities` are the certificate authorities to trust, by default
   * those of the environment. `now` returns milliseconds that never go back. Throws `CONFIG` as `agentsOf` does.
   */
  constructor(variables: Variables, authorities = authoritiesOf(variables), now?: () => number) {
    this.#variables = variables
    this.#authorities = authorities
    this.#unreadable = new RecentTargets(now)
  }

  async get(
    request: DirectRequest,
    signal: AbortSignal | undefined,
  ): Promise<DirectResponse<DirectBody> | undefined> {
    const text = requestText(request.path, request.headers)
    const name = nameOf(request)
    if (!mayReceiveDirectly || text === undefined || this.#unreadable.has(request)) return undefined
    if (proxyFor(request, this.#variables) !== undefined) return undefined
    // Requests that are sent together are refused together, so only a request that was sent after a refusal counts.
    const wasRefusing = this.#refusing.has(name)
    const response = await this.#ask(request, name, text, signal)
    if (response === undefined) return undefined
    const { status } = response
    const isRefused = status === 401 || status === 403
    const isRefusedAgain = isRefused && wasRefusing
    if (isRefused) this.#refusing.add(name)
    else this.#refusing.delete(name)
    if ('body' in response && (status === 200 || status === 206)) return response
    if ('body' in response) response.body.destroy()
    // Some accounts refuse all requests from here. A single refusal may concern one object, or an expired token.
    if (status === undefined || status < 400 || isRefusedAgain) this.#unreadable.add(request)
    if (status === 429 || (status !== undefined && status >= 500)) {
      const error = new HoldfastError('UNAVAILABLE', `The store is overloaded or failed (HTTP ${status}).`)
      throw overloaded(error, status === 429 || status === 503 ? { retryAfter: undefined } : undefined)
    }
    return undefined
  }

  destroy(): void {
    this.#isDestroyed = true
    for (const connection of this.#open) connection.destroy()
    this.#open.clear()
    this.#idle.clear()
  }

  /** Sends a request over an idle connection, or over a new one if there is none or it was closed meanwhile. */
  async #ask(
    target: Target,
    name: string,
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<DirectResponse<DirectBody> | UnreadableResponse | undefined> {
    const idle = this.#takeIdle(name)
    for (const connection of idle === undefined ? [undefined] : [idle, undefined]) {
      this.#refuseDestroyed()
      try {
        return await (connection ?? this.#connect(target, name)).get(text, signal)
      } catch (error) {
        if (signal?.aborted === true) throw error
        this.#refuseDestroyed()
      }
    }
    return undefined // the SDK reports what is wrong
  }

  #refuseDestroyed(): void {
    if (this.#isDestroyed) throw brokenConnection('The connections were closed')
  }

  #takeIdle(name: string): Connection | undefined {
    return this.#idle.get(name)?.pop()
  }

  #connect({ protocol, host, port }: Target, name: string): Connection {
    const connection = new Connection(
      (onread) => {
        const to = { host, port, onread }
        return protocol === 'http:' ? connectPlain(to) : connectSecure({ ...to, ...this.#secure(host) })
      },
      () => {
        this.#keep(connection, name)
      },
      () => {
        this.#open.delete(connection)
        this.#idle.set(name, this.#idle.get(name)?.filter((each) => each !== connection) ?? [])
      },
    )
    this.#open.add(connection)
    return connection
  }

  #secure(host: string): ConnectionOptions {
    return {
      ALPNProtocols: ['http/1.1'],
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(this.#authorities === undefined ? {} : { ca: [...this.#authorities] }),
    }
  }

  #keep(connection: Connection, name: string): void {
    connection.rest()
    this.#idle.set(name, [...(this.#idle.get(name) ?? []), connection])
  }
}
