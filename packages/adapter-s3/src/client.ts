import { randomUUID } from 'node:crypto'
import { S3Client } from '@aws-sdk/client-s3'
import { HoldfastError, secretHeaders, type Secrets, withoutUndefined } from '@holdfast/core/backend'
import { type Agents, agentsOf } from '@holdfast/core/connections'
import { ExpressSessions } from './express-sessions.ts'
import type { S3Options } from './options.ts'

/** Milliseconds. The SDK has no limits by default, and a save that hangs is worse than one that fails. */
const connectionTimeout = 10_000
const idleTimeout = 60_000

/** The largest number of connections to one host. The default agents of the SDK have the same limit. */
const maxSockets = 50

/**
 * Returns a client that does not retry, since core retries. It adds no checksums of its own: by default, the SDK sends
 * bodies in chunks with trailers, which several compatible stores reject. It does not send `Expect: 100-continue`, for
 * which the SDK opens a new connection for each request.
 */
export function createClient(options: S3Options, agents: Agents | undefined = pooledAgents()): S3Client {
  const { endpoint, pathStyle = endpoint !== undefined, profile, credentials } = options
  if (profile !== undefined && credentials !== undefined)
    throw new HoldfastError(
      'CONFIG',
      'Pass one of profile and credentials, not both. Beside credentials, pass the region and the endpoint of the profile as options.',
    )
  // A compatible store may have no regions, but the SDK needs a region to sign requests.
  const anyRegion = endpoint === undefined ? undefined : (process.env['AWS_REGION'] ?? 'us-east-1')
  const client: S3Client = payloadUnsigned(
    new S3Client({
      s3ExpressIdentityProvider: new ExpressSessions(() => client),
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      expectContinueHeader: false,
      forcePathStyle: pathStyle,
      requestHandler: {
        connectionTimeout,
        socketTimeout: idleTimeout,
        ...(agents === undefined ? {} : { httpAgent: agents.http, httpsAgent: agents.https }),
      },
      ...withoutUndefined({
        profile,
        endpoint,
        region: options.region ?? anyRegion,
        credentials: credentials && withoutUndefined(credentials),
      }),
    }),
  )
  return client
}

function pooledAgents(): Agents | undefined {
  return agentsOf(process.env, { maxSockets })
}

/** Remembers the credentials that the client sends, so that errors omit them. Returns a function that ends this. */
export function rememberSecrets(client: S3Client, secrets: Secrets): () => void {
  // A ready-made client may serve several backends.
  const name = `holdfastSecrets-${randomUUID()}`
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (hasHeaders(request)) for (const header of secretHeaders) secrets.add(request.headers[header])
      return next(args)
    },
    // This step comes after the step that signs.
    { step: 'deserialize', name },
  )
  return () => {
    client.middlewareStack.remove(name)
  }
}

/**
 * Omits the body from the signature if the signature covers its checksum. Hashing every byte again would add nothing.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (`UNSIGNED-PAYLOAD`)
 */
function payloadUnsigned(client: S3Client): S3Client {
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (hasHeaders(request) && 'x-amz-checksum-crc32' in request.headers) {
        request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      }
      return next(args)
    },
    { step: 'build', name: 'holdfastPayloadUnsigned' },
  )
  return client
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request
}
