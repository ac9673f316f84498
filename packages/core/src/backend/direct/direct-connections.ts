import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectSecure, type ConnectionOptions } from 'node:tls'
import { HoldfastError } from '../../errors.ts'
import { authoritiesOf } from '../connections/authorities.ts'
import { proxyFor, type Target, type Variables } from '../connections/proxy-for.ts'
import { Connection, type UnreadableResponse } from './connection.ts'
import type { DirectBody } from './direct-body.ts'
import type { DirectRequest, DirectResponse, Receiver } from './receiver.ts'
import { requestText } from './response-head.ts'

/** Milliseconds. Stores close idle connections after a few seconds. */
const longestIdle = 4_000

/** Bun and Deno do not receive into the buffers of a caller. They have the global variables Bun and Deno. */
export const mayReceiveDirectly = !('Bun' in globalThis) && !('Deno' in globalThis)

/**
 * Sends GET requests of large bodies over its own connections, which receive into the buffers of the reader.
 *
 * The HTTP clients of Node.js hand out a new buffer for each 64 KiB, and copy the body on the way. Receiving 1 GiB
 * through them takes twice the processor time of the system calls. `bench/LIMITS.md` has the numbers.
 *
 * Whatever is unusual is left to the SDK: `get` then resolves to `undefined`, and the SDK sends the same request.
 */
export class DirectConnections implements Receiver {
  readonly #variables: Variables
  readonly #authorities: readonly string[] | undefined
  readonly #idle = new Map<string, Connection[]>()
  readonly #open = new Set<Connection>()
  /** The targets whose responses cannot be read here. */
  readonly #unreadable = new Set<string>()

  /**
   * `variables` is the environment, whose proxies apply. `authorities` are the certificate authorities to trust, by default
   * those of the environment. Throws `CONFIG` as `agentsOf` does.
   */
  constructor(variables: Variables, authorities = authoritiesOf(variables)) {
    this.#variables = variables
    this.#authorities = authorities
  }

  async get(
    request: DirectRequest,
    signal: AbortSignal | undefined,
  ): Promise<DirectResponse<DirectBody> | undefined> {
    const text = requestText(request.path, request.headers)
    const name = nameOf(request)
    if (!mayReceiveDirectly || text === undefined || this.#unreadable.has(name)) return undefined
    if (proxyFor(request, this.#variables) !== undefined) return undefined
    const response = await this.#ask(request, name, text, signal)
    if (response === undefined) return undefined
    const { status } = response
    if ('body' in response && (status === 200 || status === 206)) return response
    if ('body' in response) response.body.destroy()
    if (status === undefined || status < 400 || status === 401 || status === 403) this.#unreadable.add(name)
    if (status === 429 || (status !== undefined && status >= 500))
      throw new HoldfastError('UNAVAILABLE', `The store is overloaded or failed (HTTP ${status}).`)
    return undefined
  }

  destroy(): void {
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
      try {
        return await (connection ?? this.#connect(target, name)).get(text, signal)
      } catch (error) {
        if (signal?.aborted === true) throw error
      }
    }
    return undefined // the SDK reports what is wrong
  }

  #takeIdle(name: string): Connection | undefined {
    const idle = this.#idle.get(name) ?? []
    while (idle.length > 0) {
      const connection = idle.pop()
      if (connection?.isClosed === false) return connection
    }
    return undefined
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
    setTimeout(() => {
      if (this.#idle.get(name)?.includes(connection) === true) connection.destroy()
    }, longestIdle).unref()
  }
}

function nameOf({ protocol, host, port }: Target): string {
  return `${protocol}//${host}:${port}`
}
