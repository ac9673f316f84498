import { HoldfastError } from '@holdfast/core'
import { type Answer, type Call, serve } from '../http-server.ts'
import { type Context, json } from './context.ts'
import { GcsError, PlainError } from './errors.ts'
import { LiveSessions } from './live-sessions.ts'
import { isBucketName } from './names.ts'
import { type Operation, operationOf } from './operations.ts'
import { type GcsRequest, header, refuseUnknownParameters } from './request.ts'
import { State } from './state.ts'

/** What a request wants to do, for a rule that may deny it. */
export interface GcsAccess {
  /** As the JSON API calls it, such as `objects.insert`. A copy is asked for as such, and as an insert. */
  readonly operation: string
  readonly bucket: string
  /** Empty for an operation on the bucket. */
  readonly name: string
}

export interface GcsEmulatorOptions {
  /** Where everything is kept, and found again at the next start. In memory when it is not given. */
  readonly directory?: string
  /** The port on 127.0.0.1. One that is free when it is not given. */
  readonly port?: number
  /** The access token that requests must carry. Anyone may do anything when it is not given. */
  readonly token?: string
  /** Buckets that are created at the start, if they are not there. */
  readonly buckets?: readonly string[]
  /** What the emulator denies, as a policy or a retention lock of the bucket would: such a request gets 403. */
  readonly denies?: (access: GcsAccess) => boolean
  /** The clock, for tests of what depends on one. */
  readonly now?: () => Date
}

export interface GcsEmulator extends AsyncDisposable {
  /** The `apiEndpoint` of a `Storage`. */
  readonly endpoint: string
  /** Breaks every connection and frees the port. May be called twice. */
  close(): Promise<void>
}

/**
 * A small and strict Cloud Storage on loopback, for tests: the requests of the JSON API that an adapter for
 * checkpoints makes, with generations, preconditions, resumable uploads, compositions and listings as Google
 * documents them. Whatever it does not know it refuses, rather than to ignore it. Between the check of a
 * precondition and the write that rests on it nothing happens.
 *
 * @throws `INVALID_ARGUMENT` for a bucket that has no possible name.
 *
 * @example
 * await using gcs = await startGcsEmulator({ buckets: ['checkpoints'] })
 * const storage = new Storage({ apiEndpoint: gcs.endpoint, projectId: 'test' })
 */
export async function startGcsEmulator(options: GcsEmulatorOptions = {}): Promise<GcsEmulator> {
  const { port = 0, buckets = [], denies = () => false, now = () => new Date() } = options
  const wrong = buckets.find((bucket) => !isBucketName(bucket))
  if (wrong !== undefined)
    throw new HoldfastError('INVALID_ARGUMENT', `${wrong} is no name for a bucket of Cloud Storage.`)
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
  // Which object an insert is of is known when its body is read.
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

/** A download is answered with text where all else is answered with JSON. */
function errorAnswer(error: GcsError, { rawQuery }: Call): Answer {
  const { status, message } = error
  if (status === 304) return { status }
  if (error instanceof PlainError)
    return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: message }
  const isMedia = /(^|&)alt=media(&|$)/.test(rawQuery)
  if (isMedia) return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body: message }
  return json(status, error.toJSON())
}
