import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import {
  BlobServiceClient,
  type ContainerClient,
  type IHttpClient,
  newPipeline,
  type RequestPolicy,
} from '@azure/storage-blob'
import {
  defaultMinimumProgress,
  foreignAnswer,
  HoldfastError,
  longestWait,
  longestTimer,
  maxAnswerBytes,
  type MinimumProgress,
  onlyOneOf,
  requestLimitsOf,
  withoutUndefined,
} from '@holdfast/core/backend'
import { type Agents, agentsOf, DirectTransfers, unpooledAgentsOf } from '@holdfast/core/connections'
import { type AccountAccess, accessOf, ways } from './credentials.ts'
import { DirectReads } from './direct.ts'
import { isForeign } from './errors.ts'
import type { AzureOptions } from './options.ts'
import { rememberingToken } from './remembered-token.ts'
import { threadClient } from './thread-client.ts'

/**
 * Milliseconds. The SDK has no limit by default, and a save that hangs is worse than one that fails. A connection that sends a body
 * is not idle while bytes leave: https://nodejs.org/api/net.html#socketsettimeouttimeout-callback.
 */
const idleTimeout = 60_000

export interface OpenedContainer {
  readonly client: ContainerClient
  /** Opens a connection for each request, unless the client is ready-made. */
  readonly unpooled: ContainerClient
  /** Sends blocks from other threads. `undefined` with one thread, and for a ready-made client. */
  readonly threaded: ContainerClient | undefined
  readonly direct: DirectReads | undefined
  readonly close: () => void
}

/**
 * Opens the container of a ready-made client, or of a client with the credentials of the options or the environment.
 */
export function openContainer(account: string, name: string, options: AzureOptions): OpenedContainer {
  const { client } = options
  if (client === undefined) return createClients(accessOf(account, options, process.env), name, options)
  onlyOneOf(options, ways)
  const keptOpen = { threaded: undefined, direct: undefined, close: () => undefined }
  const container = 'containerName' in client ? client : client.getContainerClient(name)
  if (container.containerName === name) return { client: container, unpooled: container, ...keptOpen }
  throw new HoldfastError(
    'CONFIG',
    `The client opens the container ${container.containerName}, but the URL names ${name}. Pass a client of that container, or of the account.`,
  )
}

type WebRequest = Parameters<RequestPolicy['sendRequest']>[0]
type WebAnswer = Awaited<ReturnType<RequestPolicy['sendRequest']>>

/**
 * Sends one request, and aborts it if the response does not begin in time, arrives too slowly or is too large. By
 * itself, the SDK reads responses of any size into memory, and waits as long as bytes arrive. The bodies of objects are
 * not limited here.
 */
async function bounded(
  request: WebRequest,
  make: (request: WebRequest) => Promise<WebAnswer>,
  progress = defaultMinimumProgress,
): Promise<WebAnswer> {
  const { bytes, within } = progress
  const late = new AbortController()
  const after = (limit: number): NodeJS.Timeout =>
    setTimeout(
      () => {
        late.abort()
      },
      Math.min(limit, longestTimer),
    )
  let timer = after(longestWait(Number(request.headers.get('content-length') ?? 0), progress))
  let mark: number | undefined
  if ((request.streamResponseStatusCodes?.size ?? 0) === 0) {
    request.onDownloadProgress = ({ loadedBytes }) => {
      if (loadedBytes > maxAnswerBytes) late.abort()
      if (mark !== undefined && loadedBytes - mark < bytes) return
      mark = loadedBytes
      clearTimeout(timer)
      timer = after(within)
    }
  }
  const { abortSignal: signal } = request
  if (signal === undefined) request.abortSignal = late.signal
  else if (signal instanceof AbortSignal) request.abortSignal = AbortSignal.any([signal, late.signal])
  try {
    const answer = await make(request)
    if (answer.status < 300 && isForeign(answer.headers)) {
      if (answer.readableStreamBody instanceof Readable) answer.readableStreamBody.destroy()
      const what = `${request.method} ${new URL(request.url).pathname}`
      throw foreignAnswer({ what }, `it is a web page (HTTP ${answer.status})`)
    }
    return answer
  } finally {
    clearTimeout(timer)
  }
}

function createClients(
  { url, credential: given }: AccountAccess,
  name: string,
  options: AzureOptions,
): OpenedContainer {
  const { progress } = requestLimitsOf(options)
  const access = { url, credential: 'getToken' in given ? rememberingToken(given) : given }
  const pooled = agentsOf(process.env, { idleTimeout }) ?? idleAgents()
  const unpooled = unpooledAgentsOf(process.env, { idleTimeout })
  const transfers = new DirectTransfers(process.env, options.threads)
  const { sender } = transfers
  return {
    client: createClient(access, name, progress, pooled),
    unpooled: createClient(access, name, progress, unpooled),
    threaded: sender && createClient(access, name, progress, pooled, threadClient(sender)),
    direct: new DirectReads(transfers, access.credential),
    close() {
      pooled.destroy()
      unpooled.destroy()
      transfers.destroy()
    },
  }
}

/** Returns a client that does not retry, since core retries. `httpClient` replaces the client of HTTP of the SDK. */
function createClient(
  { url, credential }: AccountAccess,
  name: string,
  progress: MinimumProgress | undefined,
  agents: Agents,
  httpClient?: IHttpClient,
): ContainerClient {
  const agent = new URL(url).protocol === 'http:' ? agents.http : agents.https
  const pipeline = newPipeline(credential, {
    retryOptions: { maxTries: 1 },
    ...withoutUndefined({ httpClient }),
  })
  pipeline.factories.push({
    create: (next) => ({
      sendRequest(request) {
        // Replaces the agent of the SDK, which interprets NO_PROXY differently than the other stores.
        request.agent = agent
        return bounded(request, (each) => next.sendRequest(each), progress)
      },
    }),
  })
  return new BlobServiceClient(url, pipeline).getContainerClient(name)
}

function idleAgents(): Agents {
  const agents = { http: idleAgent(HttpAgent), https: idleAgent(HttpsAgent) }
  return {
    ...agents,
    destroy() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

/** Returns an agent that closes idle connections. */
function idleAgent<Kind extends HttpAgent>(Agent: new (options: object) => Kind): Kind {
  const agent = new Agent({ keepAlive: true, timeout: idleTimeout })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    const socket = connect(...args)
    socket?.on('timeout', () => {
      socket.destroy(
        Object.assign(new Error(`No bytes arrived for ${idleTimeout / 1000} s`), { code: 'ETIMEDOUT' }),
      )
    })
    return socket
  }
  return agent
}
