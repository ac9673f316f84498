import { HoldfastError } from '@holdfast/core/backend'
import { type Answer, type Call, serve } from '../http/http-server.ts'
import { type Context, json } from './context.ts'
import { GcsError, PlainError } from './errors.ts'
import { LiveSessions } from './live-sessions.ts'
import { isBucketName } from './names.ts'
import { type Operation, operationOf } from './operations.ts'
import { type GcsRequest, header, refuseUnknownParameters } from './request.ts'
import { State } from './state.ts'

/** The access that a request requires. The option `denies` can deny it. */
export interface GcsAccess {
  /** The method of the JSON API, such as `objects.insert`. A copy is checked as a copy and as an insert. */
  readonly operation: string
  readonly bucket: string
  /** The name of the object. Empty for an operation on the bucket. */
  readonly name: string
}

export interface GcsEmulatorOptions {
  /** Folder for all data. A later start in the same folder finds the data again. Default: in memory. */
  readonly directory?: string
  /** The port on 127.0.0.1. Default: a free port. */
  readonly port?: number
  /** The access token that requests must send. Default: all requests are allowed without a token. */
  readonly token?: string
  /** Buckets to create at the start if they do not exist. */
  readonly buckets?: readonly string[]
  /** Returns true for each access to deny with 403, as a policy or a retention lock of a bucket would. */
  readonly denies?: (access: GcsAccess) => boolean
  /** The clock, for tests that depend on the time. */
  readonly now?: () => Date
}

export interface GcsEmulator extends AsyncDisposable {
  /** The value for the option `apiEndpoint` of a `Storage`. */
  readonly endpoint: string
  /** Closes every connection and frees the port. May be called twice. */
  close(): Promise<void>
}

/**
 * Starts a small and strict emulator of Google Cloud Storage on loopback, for tests. It supports the requests of
 * the JSON API that an adapter for checkpoints sends, with generations, preconditions, resumable uploads,
 * compositions and listings as Google documents them. It rejects everything that it does not support, and never
 * ignores it. Checking a precondition and the write that depends on it are one atomic step.
 *
 * @throws `INVALID_ARGUMENT` for an invalid bucket name.
 *
 * @example
 * await using gcs = await startGcsEmulator({ buckets: ['checkpoints'] })
 * const storage = new Storage({ apiEndpoint: gcs.endpoint, projectId: 'test' })
 */
export async function startGcsEmulator(options: GcsEmulatorOptions = {}): Promise<GcsEmulator> {
  const { port = 0, buckets = [], denies = () => false, now = () => new Date() } = options
  const wrong = buckets.find((bucket) => !isBucketName(bucket))
  if (wrong !== undefined)
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${wrong} is not a valid bucket name of Google Cloud Storage.`,
    )
  const state = new State(options.directory)
  await state.tidy()
  for (const bucket of buckets)
    if (state.bucket(bucket) === undefined) state.createBucket(bucket, now().getTime())
  const assertAllowed = (operation: string, bucket: string, name: string): void => {
    if (denies({ operation, bucket, name }))
      throw new GcsError(403, 'forbidden', `The caller does not have permission for ${operation} of ${name}.`)
  }
  const context: Context = { state, live: new LiveSessions(state.files), now, assertAllowed }
  const server = await serve(port, async (call) => await answer(context, options.token, call))
  const close = async (): Promise<void> => {
    await server.close()
    state.close()
  }
  return { endpoint: server.endpoint, close, [Symbol.asyncDispose]: close }
}

async function answer(context: Context, token: string | undefined, call: Call): Promise<Answer> {
  const id = crypto.randomUUID()
  try {
    const { operation, request } = operationOf(call)
    if (operation.isSession !== true) authenticate(request, token)
    const { headers, ...answered } = await run(context, operation, request)
    return { ...answered, headers: { 'x-guploader-uploadid': id, ...headers } }
  } catch (error) {
    const told = error instanceof GcsError ? error : new GcsError(500, 'backendError', String(error))
    return errorAnswer(told, call)
  }
}

async function run(context: Context, operation: Operation, request: GcsRequest): Promise<Answer> {
  refuseUnknownParameters(request, operation.query)
  const [bucket = '', name = ''] = request.names
  // The name of the object of an insert is known only after its body has been read.
  if (operation.name !== 'objects.insert') context.assertAllowed(operation.name, bucket, name)
  if (operation.name !== 'buckets.insert') context.state.requireBucket(bucket)
  return await operation.run(context, request)
}

function authenticate(request: GcsRequest, token: string | undefined): void {
  const given = header(request, 'authorization')
  if (token === undefined || given === `Bearer ${token}`) return
  const location = { locationType: 'header', location: 'Authorization' }
  throw given === undefined
    ? new GcsError(401, 'required', 'Anonymous caller does not have access.', location)
    : new GcsError(401, 'authError', 'Invalid Credentials', location)
}

/** Errors of downloads are plain text. All other errors are JSON. */
function errorAnswer(error: GcsError, { rawQuery }: Call): Answer {
  const { status, message } = error
  if (status === 304) return { status }
  if (error instanceof PlainError)
    return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: message }
  const isMedia = /(^|&)alt=media(&|$)/.test(rawQuery)
  if (isMedia) return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: message }
  return json(status, error.toJSON())
}
