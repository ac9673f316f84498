import { Readable } from 'node:stream'
import { Storage } from '@google-cloud/storage'
import { type gaxios, PassThroughClient } from 'google-auth-library'
import {
  type HoldfastError,
  isHoldfastError,
  orDestroy,
  secretHeaders,
  type Secrets,
} from '@holdfast/core/backend'
import {
  type Agents,
  directRequest,
  type DirectTransfers,
  maySendPieces,
  type Receiver,
  sendPieces,
} from '@holdfast/core/connections'
import { givenCredentials } from './credentials.ts'
import { hasStatus } from './errors.ts'
import { type Logins, TokenReplaced } from './logins.ts'
import type { GcsOptions } from './options.ts'
import type { Requester } from './send.ts'

/**
 * Returns a client that does not retry, since core retries. Requests no credentials before the first request. Throws
 * `CONFIG` for a key file that cannot be used.
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
  /** The connections for the bytes of large objects. */
  readonly direct: DirectTransfers | undefined
}

/**
 * Returns the function that sends requests with the credentials of a client, or without credentials if the client has
 * none for its endpoint. `secrets` remembers the credentials. With `logins`, a request whose token the store rejects may fail with
 * `TokenReplaced`.
 *
 * The methods of the SDK are not used, for these reasons. They take no AbortSignal. They wait without a limit, unless
 * the client was created with one. They switch retries on and off in a state that all calls share. They replace
 * `{{projectId}}` in names. After a failed check of an upload, they delete any object that has its name.
 */
export function requesterOf(
  client: Storage,
  secrets: Secrets,
  connections: Connections,
  logins?: Logins,
): Requester {
  const unauthenticated = client.customEndpoint && client.useAuthWithCustomEndpoint !== true
  const requester: HookedRequester = unauthenticated ? new PassThroughClient() : client.authClient
  // A ready-made client may have settings that only the SDK applies.
  const keepsPieces = connections.direct === undefined || !maySendPieces
  return {
    keepsPieces,
    // The client adds the credentials below this point, so only the adapter sees them.
    async request({ newConnection, hasLargeBody, direct, ...options }) {
      const pieces = hasLargeBody && !keepsPieces ? options.data : undefined
      const agents = newConnection ? connections.unpooled : connections.pooled
      let failure: HoldfastError | undefined
      let authorization: string | null = null
      try {
        return await requester.request({
          ...options,
          ...(agents === undefined ? {} : { agent: ({ protocol }) => agentFor(agents, protocol) }),
          async adapter(prepared, send) {
            failure = undefined
            authorization = prepared.headers.get('authorization')
            for (const header of secretHeaders) secrets.add(prepared.headers.get(header))
            const receiver = direct && connections.direct?.receiver(direct.inThread)
            try {
              const answer =
                pieces === undefined
                  ? await sendDirectly(receiver, prepared, options.signal)
                  : await sendBody(prepared, pieces, agents, options.signal)
              if (answer !== undefined) return answer
            } catch (error) {
              if (isHoldfastError(error)) failure = error
              throw error
            }
            return send(prepared)
          },
        })
      } catch (error) {
        if (failure !== undefined) throw failure // the SDK wraps what its adapter throws
        if (hasStatus(error, 401) && (await logins?.renew(authorization)) === true)
          throw new TokenReplaced(error)
        throw error
      }
    },
  }
}

/** Sends a request to which the SDK has added the credentials. `undefined`: the SDK must send it. */
async function sendDirectly(
  receiver: Receiver | undefined,
  prepared: gaxios.GaxiosOptionsPrepared,
  signal: AbortSignal,
): Promise<gaxios.GaxiosResponse | undefined> {
  if (receiver === undefined) return undefined
  const request = directRequest(prepared.url, Object.fromEntries(prepared.headers))
  const response = request && (await receiver.get(request, signal))
  if (response === undefined) return undefined
  const { status, headers, body } = response
  return orDestroy(body, () =>
    Object.assign(new Response(null, { status, headers }), { config: prepared, data: body }),
  )
}

/** Sends a request with a large body to which the SDK has added the credentials. `undefined`: the SDK must send it. */
async function sendBody(
  prepared: gaxios.GaxiosOptionsPrepared,
  pieces: Readable,
  agents: Agents | undefined,
  signal: AbortSignal,
): Promise<gaxios.GaxiosResponse | undefined> {
  const { url, method = 'PUT' } = prepared
  const request = directRequest(url, Object.fromEntries(prepared.headers))
  if (request === undefined) return undefined
  try {
    const { status, headers, body } = await sendPieces({ ...request, method }, pieces, agents, signal)
    const data = Readable.from([Buffer.from(body)])
    return Object.assign(new Response(null, { status, headers }), { config: prepared, data })
  } catch (error) {
    signal.throwIfAborted() // with the reason, which states the limit
    throw error
  }
}

function agentFor(agents: Agents, protocol: string): Agents['http'] {
  return protocol === 'http:' ? agents.http : agents.https
}

interface HookedRequester {
  request(
    options: Omit<Parameters<Requester['request']>[0], 'newConnection' | 'hasLargeBody' | 'direct'> & {
      readonly agent?: (url: URL) => Agents['http']
      readonly adapter: NonNullable<gaxios.GaxiosOptions['adapter']>
    },
  ): ReturnType<Requester['request']>
}

/** Returns whether requests go to a server that is not Google's and must not get its credentials. */
function isForeign(endpoint = process.env['STORAGE_EMULATOR_HOST']): boolean {
  const host = hostOf(endpoint)
  return host !== undefined && host !== 'googleapis.com' && !host.endsWith('.googleapis.com')
}

/** Returns the host of an endpoint. The SDK accepts endpoints with and without a protocol. */
function hostOf(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint === '') return undefined
  return URL.parse(/^\w+:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`)?.hostname
}
