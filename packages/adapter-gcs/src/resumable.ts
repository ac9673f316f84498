import {
  Crc32c,
  crc32cBase64,
  HoldfastError,
  type Part,
  type PutOptions,
  request,
  type Upload,
} from '@holdfast/core'
import { ask, type Bucket, type GcsObject, parseObject, sentMetadata, storedAs, uploadUrl } from './bucket.ts'
import { deleteGeneration } from './delete.ts'
import { hasStatus } from './errors.ts'

/** What the store says of an upload: how many bytes it holds, or the object that it has become. */
type Progress = { readonly held: number } | { readonly object: GcsObject }

/** "Resume Incomplete" of the JSON API (Cloud Storage documentation, "Resumable uploads"). */
const incomplete = 308

/** How the store answers to the end of an upload that it has discarded, or that it knows no more. */
const discarded = [499, 404, 410]

/**
 * The chunks are sent one after another, the last one by `complete`: with it the object becomes visible, so that it is
 * not stopped once it is on its way.
 */
export async function beginUpload(
  bucket: Bucket,
  key: string,
  { contentType, signal }: PutOptions,
): Promise<Upload<Part>> {
  const session = await beginSession(bucket, key, contentType, signal)
  const crc32c = new Crc32c()
  /** Bytes that the store holds by its own word; unknown after a failure. */
  let held: number | undefined = 0

  const tell = async (
    range: string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>>,
    partSignal?: AbortSignal,
  ): Promise<Progress> => {
    const answer = await ask(bucket, {
      method: 'PUT',
      url: session,
      headers: { ...headers, 'content-range': `bytes ${range}` },
      body: [bytes],
      alsoFine: [incomplete],
      signal: partSignal,
    }).catch((error: unknown) => {
      throw hasStatus(error, 404) || hasStatus(error, 410) ? sessionGone(key, error) : error
    })
    return answer.status === incomplete
      ? { held: bytesHeld(answer.headers) }
      : { object: parseObject(answer.data) }
  }

  /** Sends what the store has not of a part; asks it first, where that is not known. */
  const sendRest = async (
    { bytes, offset, last }: Part,
    partSignal?: AbortSignal,
  ): Promise<GcsObject | undefined> => {
    const end = offset + bytes.byteLength
    const proof: Record<string, string> = last
      ? { 'x-goog-hash': `crc32c=${crc32cBase64(crc32c.value)}` }
      : {}
    let progress: Progress = held === undefined ? await tell('*/*', nothing, {}, partSignal) : { held }
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
      progress = await tell(range, rest, proof, partSignal)
      if ('held' in progress && progress.held <= from)
        throw new HoldfastError('UNAVAILABLE', `The store took nothing of ${key} from byte ${from} on.`)
    }
    return progress.object
  }

  const send = async (part: Part, partSignal?: AbortSignal): Promise<GcsObject | undefined> => {
    crc32c.update(part.bytes)
    const what = `Bytes ${part.offset} to ${part.offset + part.bytes.byteLength} of ${key}`
    return request(bucket, { what, key, signal: partSignal }, () => sendRest(part, partSignal))
  }

  return {
    async sendPart(part, partSignal) {
      if (!part.last) await send(part, partSignal)
      return part
    },

    async complete(parts) {
      const last = parts.at(-1)
      if (last === undefined) throw new Error('An upload in parts has a last one')
      const object = await send(last)
      const size = last.offset + last.bytes.byteLength
      const told = object?.crc32c ?? crc32c.value
      if (object?.size === size && told === crc32c.value) return storedAs(object)
      if (object !== undefined) await deleteGeneration(bucket, key, object.generation)
      throw new HoldfastError('UNAVAILABLE', `The store made of ${key} something else than it was sent.`)
    },

    discard: async () => {
      await request(bucket, { what: `Discarding the upload of ${key}`, key }, () =>
        ask(bucket, { method: 'DELETE', url: session, body: [], alsoFine: discarded }),
      )
    },
    leftover: 'The store discards its unfinished upload after a week.',
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
