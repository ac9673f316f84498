import { Crc32c, crc32cBase64, HoldfastError, isHoldfastError, request } from '@holdfast/core'
import { ask, type Bucket, type GcsObject, parseObject, sentMetadata, uploadUrl } from './bucket.ts'
import { deleteGeneration } from './delete.ts'
import { hasStatus } from './errors.ts'

/** A piece of an object, in the order of the object. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** Of its first byte in the object. */
  readonly offset: number
  readonly last: boolean
}

/** A resumable upload that is under way. Nothing is visible before the last chunk. */
export interface Upload {
  /** Sends the next chunk. The last one makes the object visible, and is not stopped once it is on its way. */
  send(chunk: Chunk, signal: AbortSignal | undefined): Promise<GcsObject | undefined>
  /** Gives the upload up; `because` is the failure that led here, and is added to if that fails, too. */
  abandon(because: unknown): Promise<void>
}

/** What the store says of an upload: how many bytes it holds, or the object that it has become. */
type Progress = { readonly held: number } | { readonly object: GcsObject }

/** "Resume Incomplete" of the JSON API (Cloud Storage documentation, "Resumable uploads"). */
const incomplete = 308

/** How the store answers to the end of an upload that it has discarded, or that it knows no more. */
const discarded = [499, 404, 410]

export async function beginUpload(
  bucket: Bucket,
  key: string,
  contentType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  const session = await beginSession(bucket, key, contentType, signal)
  const crc32c = new Crc32c()
  /** Bytes that the store holds by its own word; unknown after a failure. */
  let held: number | undefined = 0

  const tell = async (
    range: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>>,
    chunkSignal?: AbortSignal,
  ): Promise<Progress> => {
    const {
      status,
      headers: told,
      data,
    } = await ask(bucket, {
      method: 'PUT',
      url: session,
      headers: { ...headers, 'content-range': `bytes ${range}` },
      body: [bytes],
      alsoFine: [incomplete],
      signal: chunkSignal,
    }).catch((error: unknown) => {
      throw hasStatus(error, 404) || hasStatus(error, 410) ? sessionGone(key, error) : error
    })
    return status === incomplete ? { held: bytesHeld(told) } : { object: parseObject(data) }
  }

  /** Sends what the store has not of a chunk; asks it first, where that is not known. */
  const sendRest = async (
    { bytes, offset, last }: Chunk,
    chunkSignal?: AbortSignal,
  ): Promise<GcsObject | undefined> => {
    const end = offset + bytes.byteLength
    const proof: Record<string, string> = last
      ? { 'x-goog-hash': `crc32c=${crc32cBase64(crc32c.value)}` }
      : {}
    let progress: Progress = held === undefined ? await tell('*/*', nothing, {}, chunkSignal) : { held }
    held = undefined
    while ('held' in progress) {
      const from: number = progress.held
      if (from === end && !last) {
        held = end
        return undefined
      }
      if (from < offset || from > end) throw lostTrack(key, from, offset)
      const rest = bytes.subarray(from - offset)
      const range = from === end ? `*/${end}` : `${from}-${end - 1}/${last ? end : '*'}`
      progress = await tell(range, rest, proof, chunkSignal)
      if ('held' in progress && progress.held <= from)
        throw new HoldfastError('UNAVAILABLE', `The store took nothing of ${key} from byte ${from} on.`)
    }
    return progress.object
  }

  return {
    async send(chunk, chunkSignal) {
      const { bytes, offset, last } = chunk
      crc32c.update(bytes)
      const end = offset + bytes.byteLength
      const what = `Bytes ${offset} to ${end} of ${key}`
      const stopped = last ? undefined : chunkSignal
      const object = await request(bucket, { what, key, signal: stopped }, () => sendRest(chunk, stopped))
      if (object === undefined) return undefined
      const told = object.crc32c ?? crc32c.value
      if (last && object.size === end && told === crc32c.value) return object
      await deleteGeneration(bucket, key, object.generation)
      throw new HoldfastError('UNAVAILABLE', `The store made of ${key} something else than it was sent.`)
    },

    async abandon(because) {
      try {
        await request(bucket, { what: `Discarding the upload of ${key}`, key }, () =>
          ask(bucket, { method: 'DELETE', url: session, body: [], alsoFine: discarded }),
        )
      } catch (error) {
        if (isHoldfastError(because))
          because.message += ' The store discards its unfinished upload after a week.'
        if (because instanceof Error) because.cause ??= error
      }
    },
  }
}

const nothing = new Uint8Array(0)

/**
 * The address of a new upload. Not stopped once it is on its way, since the answer is all that is known of it. One
 * whose answer is lost holds no bytes, and is gone after a week.
 */
async function beginSession(
  bucket: Bucket,
  key: string,
  contentType: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { kmsKeyName, storageClass } = bucket
  return request(bucket, { what: `Beginning ${key}`, key, signal }, async () => {
    const { headers } = await ask(bucket, {
      method: 'POST',
      url: uploadUrl(bucket),
      query: { uploadType: 'resumable', name: bucket.names.object(key), kmsKeyName },
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: [Buffer.from(sentMetadata(bucket, key, { contentType, storageClass }))],
    })
    const session = headers.get('location')
    if (session === null)
      throw new HoldfastError('UNAVAILABLE', `The store began ${key} and gave no address to send it to.`)
    return session
  })
}

/** `Range: bytes=0-N` names the last byte that is held; without it none is. */
function bytesHeld(headers: Headers): number {
  const last = /^bytes=0-(\d+)$/.exec(headers.get('range') ?? '')?.[1]
  return last === undefined ? 0 : Number(last) + 1
}

function sessionGone(key: string, cause: unknown): HoldfastError {
  const message = `The store has discarded the upload of ${key}, which it does after a week. Put it again.`
  return new HoldfastError('UNAVAILABLE', message, { key, cause, retryable: false })
}

/** The bytes before the chunk are gone from memory, so that they cannot be sent again. */
function lostTrack(key: string, held: number, offset: number): HoldfastError {
  const message = `The store holds ${held} bytes of ${key}, of which ${offset} were sent. Put it again.`
  return new HoldfastError('UNAVAILABLE', message, { key, retryable: false })
}
