import { HoldfastError } from '@holdfast/core/backend'
import { type Answer, type Call, serve } from '../http/http-server.ts'
import { isBucketName } from './buckets.ts'
import type { ConditionalWrites, Context } from './context.ts'
import { S3Error } from './errors.ts'
import { operationOf } from './operations.ts'
import { parseRequest, refuseUnknown, type S3Request } from './request.ts'
import { Elsewhere } from './elsewhere.ts'
import { Sessions } from './sessions.ts'
import { accessKeyOf, type S3Credentials, verifySignature } from './signature.ts'
import { State } from './state.ts'
import { writeXml } from './xml.ts'

/** The access that a request requires. The option `denies` can deny it. */
export interface S3Access {
  /** The name of the operation. DeleteObjects is checked once as a whole, and as DeleteObject for each key. */
  readonly operation: string
  readonly bucket: string
  /** The key of the object. Empty for an operation on the bucket. */
  readonly key: string
}

export interface S3EmulatorOptions {
  /** Folder for all data. A later start in the same folder finds the data again. Default: in memory. */
  readonly directory?: string
  /** The port on 127.0.0.1. Default: a free port. */
  readonly port?: number
  /** The credentials whose signatures are accepted. Default: fixed credentials, which the result contains. */
  readonly credentials?: S3Credentials
  /** Buckets to create at the start if they do not exist. */
  readonly buckets?: readonly string[]
  /** The region for which requests must be signed. Default: `us-east-1`. */
  readonly region?: string
  /** Returns true for each access to deny with `AccessDenied`, as the policy of a bucket would. */
  readonly denies?: (access: S3Access) => boolean
  /**
   * Whether listings are in no order, as those of some services. The order is the same for every request. Buckets whose names
   * end in `--x-s3` or `--xa-s3` are directory buckets, and their listings always are. Default: false.
   */
  readonly unorderedLists?: boolean
  /**
   * Whether the buckets have object lock, so that objects can have legal holds. An object with a hold cannot be deleted, as on
   * services without versions. Amazon S3 hides it instead, and keeps the version. Default: false.
   */
  readonly objectLock?: boolean
  /**
   * What happens to conditions of writes: they are enforced; or ignored, as by some services; or refused with the status 501, as by
   * Backblaze B2. Default: `enforced`.
   */
  readonly conditionalWrites?: ConditionalWrites
  /** A path that all addresses begin with, such as `/namespace`. The endpoint ends in it. Default: none. */
  readonly basePath?: string
  /**
   * Whether GetObject redirects to another host with the status 302, as the gateway of Hugging Face does. That host rejects
   * credentials. Conditions of GetObject are then ignored: https://huggingface.co/docs/hub/storage-buckets-s3. Default: false.
   */
  readonly redirectsReads?: boolean
  /** Whether the metadata (`x-amz-meta-`) of objects are kept. Default: true. */
  readonly keepsMetadata?: boolean
  /** Whether DeleteObjects requires `Content-MD5` instead of a checksum, as on older services. Default: false. */
  readonly requiresContentMd5?: boolean
  /** The clock, for tests that depend on the time. */
  readonly now?: () => Date
}

export interface S3Emulator extends AsyncDisposable {
  /** The endpoint for an `S3Client` with `forcePathStyle`. `region` and `credentials` are for the same client. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: S3Credentials
  /** Closes every connection and frees the port. May be called twice. */
  close(): Promise<void>
}

/**
 * Starts a small and strict emulator of Amazon S3 on loopback, for tests. It supports the requests that an adapter
 * for checkpoints sends, with signatures, conditional writes, multipart uploads, checksums and listings as Amazon
 * documents them. It rejects everything that it does not support, and never ignores it. Checking a condition and
 * the write that depends on it are one atomic step.
 *
 * @throws `INVALID_ARGUMENT` for an invalid bucket name.
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
    unorderedLists = false,
    objectLock = false,
    conditionalWrites = 'enforced',
    basePath = '',
    redirectsReads = false,
    keepsMetadata = true,
    requiresContentMd5 = false,
    now = () => new Date(),
  } = options
  const wrong = buckets.find((bucket) => !isBucketName(bucket))
  if (wrong !== undefined)
    throw new HoldfastError('INVALID_ARGUMENT', `${wrong} is not a valid bucket name of S3.`)
  const state = new State(options.directory)
  await state.tidy()
  for (const bucket of buckets) {
    if (!state.hasBucket(bucket)) state.createBucket(bucket, now().getTime())
  }
  const assertAllowed = (operation: string, bucket: string, key: string): void => {
    if (denies({ operation, bucket, key })) throw new S3Error('AccessDenied')
  }
  const sessions = new Sessions()
  const elsewhere = redirectsReads ? await Elsewhere.start(state.files) : undefined
  const context: Context = {
    state,
    sessions,
    unorderedLists,
    objectLock,
    conditionalWrites,
    keepsMetadata,
    requiresContentMd5,
    elsewhere,
    region,
    now,
    assertAllowed,
  }
  const server = await serve(port, async (call) => await answer(context, credentials, basePath, call))
  const close = async (): Promise<void> => {
    await server.close()
    await elsewhere?.close()
    state.close()
  }
  const endpoint = `${server.endpoint}${basePath}`
  return { endpoint, region, credentials, close, [Symbol.asyncDispose]: close }
}

async function answer(
  context: Context,
  credentials: S3Credentials,
  basePath: string,
  call: Call,
): Promise<Answer> {
  const ids = {
    'x-amz-request-id': crypto.randomUUID(),
    'x-amz-id-2': 'emulator',
    server: 'HoldfastEmulator',
  }
  try {
    const { headers, ...answered } = await run(context, credentials, parseRequest(call, basePath))
    const charged = call.headers['x-amz-request-payer']
    return { ...answered, headers: { ...ids, 'x-amz-request-charged': charged?.toString(), ...headers } }
  } catch (error) {
    const told = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
    return errorAnswer(call, told, ids)
  }
}

async function run(context: Context, credentials: S3Credentials, request: S3Request): Promise<Answer> {
  const { bucket, key } = request
  const session = context.sessions.find(accessKeyOf(request), context.now())
  verifySignature(request, session ?? credentials, context.region, context.now())
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
