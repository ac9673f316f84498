import { randomUUID } from 'node:crypto'
import { S3Client } from '@aws-sdk/client-s3'
import { type Agents, agentsOf, secretHeaders, type Secrets, withoutUndefined } from '@holdfast/core/backend'
import type { S3Options } from './options.ts'

/** Milliseconds. The SDK's own have no end, and a save that hangs for ever is worse than one that fails. */
const connectionTimeout = 10_000
const idleTimeout = 60_000

/** Connections to one host at once, as the SDK's own agents allow. */
const maxSockets = 50

/**
 * A client that makes each request once, since retries are ours, and adds no checksum of its own: its default sends
 * bodies in chunks with trailers, which several compatible stores refuse. Nor does it ask whether a body may be sent
 * (`Expect: 100-continue`), for which the SDK opens a connection of its own that is not used again.
 */
export function createClient(options: S3Options, agents: Agents | undefined = pooledAgents()): S3Client {
  const { endpoint, pathStyle = endpoint !== undefined, profile, credentials } = options
  // A compatible store has no regions, but the SDK wants one to sign with.
  const anyRegion = endpoint === undefined ? undefined : (process.env['AWS_REGION'] ?? 'us-east-1')
  return payloadUnsigned(
    new S3Client({
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
}

function pooledAgents(): Agents | undefined {
  return agentsOf(process.env, { maxSockets })
}

/** Lets errors leave out what the client sends to prove who asks. Returns what ends it. */
export function rememberSecrets(client: S3Client, secrets: Secrets): () => void {
  // A ready-made client may serve several backends.
  const name = `holdfastSecrets-${randomUUID()}`
  client.middlewareStack.add(
    (next) => (args) => {
      const { request } = args
      if (hasHeaders(request)) for (const header of secretHeaders) secrets.add(request.headers[header])
      return next(args)
    },
    // The step after the one that signs.
    { step: 'deserialize', name },
  )
  return () => {
    client.middlewareStack.remove(name)
  }
}

/**
 * Leaves a body out of the signature where its checksum is part of it: hashing every byte once more would prove
 * nothing more (Signature Version 4, "UNSIGNED-PAYLOAD").
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
