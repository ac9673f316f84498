import { Storage } from '@google-cloud/storage'
import { type gaxios, PassThroughClient } from 'google-auth-library'
import { type Agents, secretHeaders, type Secrets } from '@holdfast/core/backend'
import { givenCredentials } from './credentials.ts'
import type { GcsOptions } from './options.ts'
import type { Requester } from './send.ts'

/**
 * A client that makes each request once, since retries are ours. Asks nobody for credentials before the first request;
 * throws `CONFIG` for a key file that cannot be used.
 */
export function createClient(options: GcsOptions): Storage {
  const { endpoint } = options
  const given = givenCredentials(options)
  const anonymous = options.anonymous ?? (given === undefined && isForeign(endpoint))
  const authClient = anonymous ? new PassThroughClient() : given
  return new Storage({
    retryOptions: { autoRetry: false },
    useAuthWithCustomEndpoint: !anonymous,
    ...(authClient === undefined ? {} : { authClient }),
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
  })
}

/** What opens the connections of requests. `undefined`: the SDK does. */
export interface Connections {
  readonly pooled: Agents | undefined
  /** Opens a connection for each request. */
  readonly unpooled: Agents | undefined
}

/**
 * What sends a client's requests with its credentials, or without where the client has none for its endpoint. The
 * credentials that are sent are remembered in `secrets`.
 *
 * The SDK's own methods are not used: they take no AbortSignal, wait for ever unless the client was made with a time
 * limit (`Service.request_` sets that of its options over the default), switch retries on and off in a state that all
 * calls share, replace `{{projectId}}` in names, and check an upload by deleting whatever object then has its name.
 */
export function requesterOf(client: Storage, secrets: Secrets, connections: Connections): Requester {
  const unauthenticated = client.customEndpoint && client.useAuthWithCustomEndpoint !== true
  const requester: HookedRequester = unauthenticated ? new PassThroughClient() : client.authClient
  return {
    // The headers that prove who asks are added below, so they are seen only there.
    request({ newConnection, ...options }) {
      const agents = newConnection ? connections.unpooled : connections.pooled
      return requester.request({
        ...options,
        ...(agents === undefined ? {} : { agent: ({ protocol }) => agentFor(agents, protocol) }),
        adapter(prepared, send) {
          for (const header of secretHeaders) secrets.add(prepared.headers.get(header))
          return send(prepared)
        },
      })
    },
  }
}

function agentFor(agents: Agents, protocol: string): Agents['http'] {
  return protocol === 'http:' ? agents.http : agents.https
}

interface HookedRequester {
  request(
    options: Omit<Parameters<Requester['request']>[0], 'newConnection'> & {
      readonly agent?: (url: URL) => Agents['http']
      readonly adapter: NonNullable<gaxios.GaxiosOptions['adapter']>
    },
  ): ReturnType<Requester['request']>
}

/** Whether the requests go to someone else than Google, who has no use for its credentials. */
function isForeign(endpoint = process.env['STORAGE_EMULATOR_HOST']): boolean {
  const host = hostOf(endpoint)
  return host !== undefined && host !== 'googleapis.com' && !host.endsWith('.googleapis.com')
}

/** Of an endpoint with or without a protocol, both of which the SDK takes. */
function hostOf(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint === '') return undefined
  return URL.parse(/^\w+:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`)?.hostname
}
