import { HoldfastError } from '@holdfast/core'
import { type Answer, type Call, serve } from '../http-server.ts'
import { isBucketName } from './buckets.ts'
import type { Context } from './context.ts'
import { S3Error } from './errors.ts'
import { operationOf } from './operations.ts'
import { parseRequest, refuseUnknown, type S3Request } from './request.ts'
import { type S3Credentials, verifySignature } from './signature.ts'
import { State } from './state.ts'
import { writeXml } from './xml.ts'

/** What a request wants to do, for a rule that may deny it. */
export interface S3Access {
  /** The name of the operation. A DeleteObjects is asked for once as a whole, and as DeleteObject for each key. */
  readonly operation: string
  readonly bucket: string
  /** Empty for an operation on the bucket. */
  readonly key: string
}

export interface S3EmulatorOptions {
  /** Where everything is kept, and found again at the next start. In memory when it is not given. */
  readonly directory?: string
  /** The port on 127.0.0.1. One that is free when it is not given. */
  readonly port?: number
  /** Whose signatures are accepted. The usual ones of the emulator when they are not given. */
  readonly credentials?: S3Credentials
  /** Buckets that are created at the start, if they are not there. */
  readonly buckets?: readonly string[]
  /** `us-east-1` when it is not given. A request that is signed for another one is refused. */
  readonly region?: string
  /** What the emulator denies, as the policy of a bucket would: such a request gets `AccessDenied`. */
  readonly denies?: (access: S3Access) => boolean
  /** The clock, for tests of what depends on one. */
  readonly now?: () => Date
}

export interface S3Emulator extends AsyncDisposable {
  /** For an `S3Client` with `forcePathStyle`, as are the next two. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: S3Credentials
  /** Breaks every connection and frees the port. May be called twice. */
  close(): Promise<void>
}

/**
 * A small and strict S3 on loopback, for tests: the requests that an adapter for checkpoints makes, with signatures,
 * conditional writes, multipart uploads, checksums and listings as Amazon documents them. Whatever it does not know
 * it refuses, rather than to ignore it. Between the check of a condition and the write that rests on it nothing
 * happens.
 *
 * @throws `INVALID_ARGUMENT` for a bucket that has no possible name.
 *
 * @example
 * await using s3 = await startS3Emulator({ buckets: ['checkpoints'] })
 * const { endpoint, region, credentials } = s3
 * const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
 */
export async function startS3Emulator(options: S3EmulatorOptions = {}): Promise<S3Emulator> {
  const {
    port = 0,
    credentials = { accessKeyId: 'emulator', secretAccessKey: 'emulator-secret' },
    buckets = [],
    region = 'us-east-1',
    denies = () => false,
    now = () => new Date(),
  } = options
  const wrong = buckets.find((bucket) => !isBucketName(bucket))
  if (wrong !== undefined)
    throw new HoldfastError('INVALID_ARGUMENT', `${wrong} is no name for a bucket of S3.`)
  const state = new State(options.directory)
  await state.tidy()
  for (const bucket of buckets) {
    if (!state.hasBucket(bucket)) state.createBucket(bucket, now().getTime())
  }
  const assertAllowed = (operation: string, bucket: string, key: string): void => {
    if (denies({ operation, bucket, key })) throw new S3Error('AccessDenied')
  }
  const context: Context = { state, region, now, assertAllowed }
  const server = await serve(port, async (call) => await answer(context, credentials, call))
  const close = async (): Promise<void> => {
    await server.close()
    state.close()
  }
  return { endpoint: server.endpoint, region, credentials, close, [Symbol.asyncDispose]: close }
}

async function answer(context: Context, credentials: S3Credentials, call: Call): Promise<Answer> {
  const ids = {
    'x-amz-request-id': crypto.randomUUID(),
    'x-amz-id-2': 'emulator',
    server: 'HoldfastEmulator',
  }
  try {
    const { headers, ...answered } = await run(context, credentials, parseRequest(call))
    const charged = call.headers['x-amz-request-payer']
    return { ...answered, headers: { ...ids, 'x-amz-request-charged': charged?.toString(), ...headers } }
  } catch (error) {
    const told = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
    return errorAnswer(call, told, ids)
  }
}

async function run(context: Context, credentials: S3Credentials, request: S3Request): Promise<Answer> {
  const { bucket, key } = request
  verifySignature(request, credentials, context.region, context.now())
  const operation = operationOf(request)
  refuseUnknown(request, {
    query: [...operation.query, ...(operation.marker === undefined ? [] : [operation.marker])],
    headers: operation.headers,
  })
  context.assertAllowed(operation.name, bucket, key)
  if (operation.name !== 'CreateBucket') context.state.requireBucket(bucket)
  return await operation.run(context, request)
}

function errorAnswer(
  call: Call,
  error: S3Error,
  ids: Readonly<Record<string, string>> & { readonly 'x-amz-request-id': string },
): Answer {
  const { code, message, status, fields } = error
  const headers = { ...ids, 'content-type': 'application/xml' }
  if (call.method === 'HEAD') return { status, headers }
  return {
    status,
    headers,
    body: writeXml(
      'Error',
      {
        Code: code,
        Message: message,
        ...fields,
        Resource: call.path,
        RequestId: ids['x-amz-request-id'],
        HostId: ids['x-amz-id-2'],
      },
      false,
    ),
  }
}
