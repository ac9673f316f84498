import { Storage } from '@google-cloud/storage'
import { PassThroughClient } from 'google-auth-library'
import type { GcsOptions } from './options.ts'
import type { Requester } from './send.ts'

/** A client that makes each request once, since retries are ours. Reads no credentials before the first request. */
export function createClient(options: GcsOptions): Storage {
  const { endpoint, keyFilename, credentials, anonymous = needsNoCredentials(options) } = options
  return new Storage({
    retryOptions: { autoRetry: false },
    useAuthWithCustomEndpoint: !anonymous,
    ...(anonymous ? { authClient: new PassThroughClient() } : {}),
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
    ...(keyFilename === undefined ? {} : { keyFilename }),
    ...(credentials === undefined ? {} : { credentials }),
  })
}

/**
 * What sends a client's requests with its credentials, or without where the client has none for its endpoint.
 *
 * The SDK's own methods are not used: they take no AbortSignal and let a request hang for ever (`Service.request_`
 * overwrites the time limit with `undefined`), switch retries on and off in a state that all calls share, replace
 * `{{projectId}}` in the names of objects, and check an upload by deleting whatever object then has its name.
 */
export function requesterOf(client: Storage): Requester {
  const unauthenticated = client.customEndpoint && client.useAuthWithCustomEndpoint !== true
  return unauthenticated ? new PassThroughClient() : client.authClient
}

function needsNoCredentials({ endpoint, keyFilename, credentials }: GcsOptions): boolean {
  if (keyFilename !== undefined || credentials !== undefined) return false
  const host = hostOf(endpoint ?? process.env['STORAGE_EMULATOR_HOST'])
  return host !== undefined && host !== 'googleapis.com' && !host.endsWith('.googleapis.com')
}

/** Of an endpoint with or without a protocol, both of which the SDK takes. */
function hostOf(endpoint: string | undefined): string | undefined {
  if (endpoint === undefined || endpoint === '') return undefined
  return URL.parse(/^\w+:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`)?.hostname
}
