import * as http from 'node:http'
import * as https from 'node:https'
import { type Duplex, PassThrough } from 'node:stream'
import { authoritiesOf } from './authorities.ts'
import { proxyFor, type Target, valueOf, type Variables } from './proxy-for.ts'
import { tunnel } from './tunnel.ts'
import { connectToProxy, sendWholeUrl } from './whole-url.ts'

/** The agents that open the connections of an SDK. */
export interface Agents {
  readonly http: http.Agent
  readonly https: https.Agent
  destroy(): void
}

/** Limits for the connections of `agentsOf`. */
export interface AgentOptions {
  /** Milliseconds after which an idle connection is closed. Default: no limit. */
  readonly idleTimeout?: number | undefined
  readonly maxSockets?: number | undefined
  /** Whether connections are used again. Default: true. */
  readonly keepAlive?: boolean | undefined
}

const variableNames = ['https_proxy', 'http_proxy', 'all_proxy', 'aws_ca_bundle'] as const

/**
 * Returns agents that use the proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`) as curl does: by
 * tunnels for https, and by whole URLs for http. They trust the authorities of `AWS_CA_BUNDLE` beside those of Node.js, on every
 * store. Returns `undefined` if the environment names neither, so that an SDK uses its own agents. Throws `CONFIG` for a proxy or a
 * file that cannot be used.
 */
export function agentsOf(variables: Variables, options: AgentOptions = {}): Agents | undefined {
  if (variableNames.every((name) => valueOf(variables, name) === '')) return undefined
  return agentsTrusting(authoritiesOf(variables), variables, options)
}

/**
 * Returns agents that use the proxies of the environment as `agentsOf` does, and trust these authorities. `undefined` are
 * those of Node.js. Throws `CONFIG` for a proxy that cannot be used.
 */
export function agentsTrusting(
  authorities: readonly string[] | undefined,
  variables: Variables,
  options: AgentOptions,
): Agents {
  const { idleTimeout, maxSockets, keepAlive = true } = options
  const common = {
    keepAlive,
    ...(idleTimeout === undefined ? {} : { timeout: idleTimeout }),
    ...(maxSockets === undefined ? {} : { maxSockets }),
  }
  const open: Opening = { variables, authorities, idleTimeout }
  // An invalid proxy is reported now, not by the first request.
  for (const protocol of ['http:', 'https:'] as const)
    proxyFor({ protocol, host: 'host', port: 1 }, variables)
  const agents = {
    http: new PlainAgent(open, common),
    https: new SecureAgent(open, {
      ...common,
      ...(authorities === undefined ? {} : { ca: [...authorities] }),
    }),
  }
  return {
    ...agents,
    destroy() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

/** Returns agents that open a connection for each request, and follow the environment as `agentsOf` does. */
export function unpooledAgentsOf(variables: Variables, options: AgentOptions = {}): Agents {
  const agents = agentsOf(variables, { ...options, keepAlive: false })
  if (agents !== undefined) return agents
  const [plain, secure] = [new http.Agent({ keepAlive: false }), new https.Agent({ keepAlive: false })]
  return {
    http: plain,
    https: secure,
    destroy() {
      plain.destroy()
      secure.destroy()
    },
  }
}

interface Opening {
  readonly variables: Variables
  readonly authorities: readonly string[] | undefined
  readonly idleTimeout: number | undefined
}

type ConnectionOptions = Parameters<http.Agent['createConnection']>[0]
type Done = NonNullable<Parameters<http.Agent['createConnection']>[1]>

/** What Node.js calls for each request to an agent. */
const addRequest: unknown = Reflect.get(http.Agent.prototype, 'addRequest')

class PlainAgent extends http.Agent {
  readonly #opening: Opening
  #preparesRequests = false

  constructor(opening: Opening, options: http.AgentOptions) {
    super(options)
    this.#opening = opening
  }

  /**
   * Prepares a request for the proxy before its head is written. This method of Node.js is not documented
   * (https://github.com/nodejs/node/blob/main/lib/_http_agent.js). A runtime that does not call it gets a tunnel.
   */
  addRequest(request: http.ClientRequest, options: ConnectionOptions, ...rest: readonly unknown[]): void {
    if (typeof addRequest !== 'function') throw new Error('The agent of this runtime takes no requests')
    this.#preparesRequests = true
    const proxy = proxyFor(targetOf('http:', options), this.#opening.variables)
    if (proxy !== undefined) sendWholeUrl(request, proxy)
    Reflect.apply(addRequest, this, [request, options, ...rest])
  }

  override createConnection(options: ConnectionOptions, done: Done): Duplex | null | undefined {
    const { variables, authorities, idleTimeout } = this.#opening
    const proxy = proxyFor(targetOf('http:', options), variables)
    if (proxy !== undefined && this.#preparesRequests)
      return closedIfIdle(connectToProxy(proxy, authorities), idleTimeout)
    return connect('http:', this.#opening, options, done, {
      directly: () => super.createConnection(options, done),
      through: (socket) => socket,
    })
  }
}

class SecureAgent extends https.Agent {
  readonly #opening: Opening

  constructor(opening: Opening, options: https.AgentOptions) {
    super(options)
    this.#opening = opening
  }

  override createConnection(options: ConnectionOptions, done: Done): Duplex | null | undefined {
    return connect('https:', this.#opening, options, done, {
      directly: () => super.createConnection(options, done),
      through: (socket) => {
        const secured = { ...options, socket }
        return super.createConnection(secured)
      },
    })
  }
}

interface Ways {
  readonly directly: () => Duplex | null | undefined
  /** Uses a connection that a proxy has opened. */
  readonly through: (socket: Duplex) => Duplex | null | undefined
}

function connect(
  protocol: Target['protocol'],
  { variables, authorities, idleTimeout }: Opening,
  options: ConnectionOptions,
  done: Done,
  { directly, through }: Ways,
): Duplex | null | undefined {
  const target = targetOf(protocol, options)
  const proxy = proxyFor(target, variables)
  if (proxy === undefined) return closedIfIdle(directly(), idleTimeout)
  tunnel(proxy, target.host, target.port, authorities)
    .then((socket) => {
      const opened = closedIfIdle(through(socket), idleTimeout)
      if (opened !== null && opened !== undefined) done(null, opened)
    })
    .catch((error: unknown) => {
      // Node.js reads only the error, although its type requires a stream.
      done(error instanceof Error ? error : new Error(String(error)), new PassThrough())
    })
  return undefined
}

function targetOf(protocol: Target['protocol'], { host, port }: ConnectionOptions): Target {
  return { protocol, host: host ?? 'localhost', port: Number(port ?? (protocol === 'http:' ? 80 : 443)) }
}

/** SDKs wait without a limit, and a save that hangs is worse than one that fails. */
function closedIfIdle<Stream extends Duplex>(
  stream: Stream | null | undefined,
  idleTimeout: number | undefined,
): Stream | null | undefined {
  if (idleTimeout === undefined || stream === null || stream === undefined || !isSocket(stream)) return stream
  stream.setTimeout(idleTimeout)
  stream.on('timeout', () => {
    stream.destroy(
      Object.assign(new Error(`No bytes arrived for ${idleTimeout / 1000} s`), { code: 'ETIMEDOUT' }),
    )
  })
  return stream
}

function isSocket(stream: Duplex): stream is Duplex & { setTimeout(milliseconds: number): void } {
  return 'setTimeout' in stream
}
