import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { S3Options } from './options.ts'

/** Milliseconds. The SDK's own have no end, and a save that hangs for ever is worse than one that fails. */
const connectionTimeout = 10_000
const idleTimeout = 60_000

/**
 * A client that makes each request once, since retries are ours, and adds no checksum of its own: its default sends
 * bodies in chunks with trailers, which several compatible stores refuse.
 */
export function createClient(options: S3Options): S3Client {
  const { region, endpoint, pathStyle = endpoint !== undefined, profile, credentials } = options
  const config: S3ClientConfig = {
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: pathStyle,
    requestHandler: { connectionTimeout, socketTimeout: idleTimeout },
  }
  if (profile !== undefined) config.profile = profile
  if (endpoint !== undefined) config.endpoint = endpoint
  if (region !== undefined) config.region = region
  else if (endpoint !== undefined) config.region = process.env['AWS_REGION'] ?? 'us-east-1'
  if (credentials !== undefined) {
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    config.credentials = {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    }
  }
  return payloadUnsigned(new S3Client(config))
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
