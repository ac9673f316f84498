import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { BlobServiceClient, type ContainerClient, newPipeline } from '@azure/storage-blob'
import { type Agents, agentsOf, HoldfastError } from '@holdfast/core'
import { type AccountAccess, accessOf } from './credentials.ts'
import type { AzureOptions } from './options.ts'

/** Milliseconds. The SDK's own has no end, and a save that hangs for ever is worse than one that fails. */
const idleTimeout = 60_000

export interface OpenedContainer {
  readonly client: ContainerClient
  readonly close: () => void
}

/** The container of a ready-made client, or of one made from what the options or the environment say. */
export function openContainer(account: string, name: string, options: AzureOptions): OpenedContainer {
  const { client } = options
  if (client === undefined) return createClient(accessOf(account, options, process.env), name)
  const keptOpen = { close: () => undefined }
  if (!('containerName' in client)) return { client: client.getContainerClient(name), ...keptOpen }
  if (client.containerName === name) return { client, ...keptOpen }
  throw new HoldfastError(
    'CONFIG',
    `The client is of the container ${client.containerName}, and the URL names ${name}.`,
  )
}

/** A client that makes each request once, since retries are ours. */
function createClient({ url, credential }: AccountAccess, name: string): OpenedContainer {
  const agents = agentsOf(process.env, { idleTimeout }) ?? idleAgents()
  const agent = new URL(url).protocol === 'http:' ? agents.http : agents.https
  const pipeline = newPipeline(credential, { retryOptions: { maxTries: 1 } })
  pipeline.factories.push({
    create: (next) => ({
      sendRequest(request) {
        // In place of the SDK's own, which reads NO_PROXY in another way than the other stores.
        request.agent = agent
        return next.sendRequest(request)
      },
    }),
  })
  return {
    client: new BlobServiceClient(url, pipeline).getContainerClient(name),
    close: () => {
      agents.destroy()
    },
  }
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

/** Connections that end when nothing moves on them. */
function idleAgent<Kind extends HttpAgent>(Agent: new (options: object) => Kind): Kind {
  const agent = new Agent({ keepAlive: true, timeout: idleTimeout })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    const socket = connect(...args)
    socket?.on('timeout', () => {
      socket.destroy(
        Object.assign(new Error(`Nothing came for ${idleTimeout / 1000} s`), { code: 'ETIMEDOUT' }),
      )
    })
    return socket
  }
  return agent
}
