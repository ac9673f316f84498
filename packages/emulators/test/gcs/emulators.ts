import { EventEmitter } from 'node:events'
import { type Bucket, Storage, type StorageOptions } from '@google-cloud/storage'
import { onTestFinished } from 'vitest'
import { type GcsEmulator, type GcsEmulatorOptions, startGcsEmulator } from '../../src/index.ts'
import { send, type Sent } from '../requests.ts'

/** The SDK adds eleven listeners to each stream. By default, Node.js warns above ten. */
EventEmitter.defaultMaxListeners = 20

export const bucketName = 'checkpoints'

/** Starts an emulator with one bucket. It is closed at the end of the test. */
export async function emulatorOf(options: GcsEmulatorOptions = {}): Promise<GcsEmulator> {
  const emulator = await startGcsEmulator({ buckets: [bucketName], ...options })
  onTestFinished(async () => {
    await emulator.close()
  })
  return emulator
}

/** Returns a client of the SDK without retries, so that a test sees each response of the emulator. */
export function storageOf(
  { endpoint }: Pick<GcsEmulator, 'endpoint'>,
  options: StorageOptions = {},
): Storage {
  return new Storage({
    apiEndpoint: endpoint,
    projectId: 'test',
    retryOptions: { autoRetry: false },
    ...options,
  })
}

/** Starts an emulator and returns its bucket. */
export async function gcs(options: GcsEmulatorOptions = {}): Promise<Bucket> {
  return storageOf(await emulatorOf(options)).bucket(bucketName)
}

/** Returns the status of the error of a call, with its reason if it has one, or `none` if the call succeeds. */
export async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'none'
  } catch (error) {
    const { code, errors } = error as { code?: unknown; errors?: readonly { reason?: string }[] }
    if (typeof code !== 'number' && typeof code !== 'string') throw error
    const reason = errors?.[0]?.reason
    return reason === undefined ? String(code) : `${code} ${reason}`
  }
}

/** The path of uploads into the bucket. */
export const uploads = `/upload/storage/v1/b/${bucketName}/o`

/** Starts a resumable upload, and returns the target of its requests. */
export async function begin(
  endpoint: string,
  name: string,
  query = '',
  headers: readonly (readonly [string, string])[] = [],
): Promise<string> {
  const target = `${uploads}?uploadType=resumable&name=${encodeURIComponent(name)}${query}`
  const { status, headers: answered, body } = await send(endpoint, 'POST', target, headers)
  if (status !== 200) throw new Error(`The upload could not be started: ${status} ${body}`)
  const { pathname, search } = new URL(answered.location ?? '')
  return pathname + search
}

/** Sends bytes to a resumable upload, starting at an offset. `size` is `*` while it is unknown. */
export async function chunk(
  endpoint: string,
  target: string,
  bytes: Uint8Array,
  start: number,
  size: number | '*',
  headers: readonly (readonly [string, string])[] = [],
): Promise<Sent> {
  const range = `bytes ${start}-${start + bytes.byteLength - 1}/${size}`
  return await send(endpoint, 'PUT', target, [['Content-Range', range], ...headers], bytes)
}

/** Requests how much of a resumable upload is persisted. */
export async function status(endpoint: string, target: string, size: number | '*' = '*'): Promise<Sent> {
  return await send(endpoint, 'PUT', target, [['Content-Range', `bytes */${size}`]])
}

export function reasonOf({ body }: Sent): unknown {
  const { error } = JSON.parse(body) as { error?: { errors: readonly { reason: string }[] } }
  return error?.errors[0]?.reason
}
