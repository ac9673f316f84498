import type { Answer } from '../http/http-server.ts'
import type { Piece } from '../objects/pieces.ts'
import { type ContentRange, parseContentRange } from './content-range.ts'
import { type Context, json, type Run } from './context.ts'
import { GcsError, invalid, PlainError } from './errors.ts'
import { together, wantedBy } from './insert.ts'
import { hashesOfHeader } from './metadata.ts'
import { type GcsRequest, header, readJson } from './request.ts'
import { resourceOf } from './resource.ts'
import type { Session } from './model.ts'
import { storeObject } from './store-object.ts'

/**
 * The size in bytes that divides the size of every chunk except the last:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload. If a request is cut, its whole
 * blocks are persisted.
 */
const blockBytes = 256 * 1024

/** Sessions expire after a week: https://cloud.google.com/storage/docs/resumable-uploads#session-uris. */
const oneWeek = 7 * 24 * 3600 * 1000

/** Starts an upload, and returns the address of its session. Its conditions are checked when it ends. */
export const startResumable: Run = async (context, request) => {
  const wanted = wantedBy(request, await readJson(request), header(request, 'x-upload-content-type'))
  context.assertAllowed('objects.insert', wanted.bucket, wanted.name)
  const announced = header(request, 'x-upload-content-length')
  if (announced !== undefined && !/^\d+$/.test(announced)) throw invalid('Invalid X-Upload-Content-Length.')
  const session: Session = {
    ...wanted,
    id: crypto.randomUUID().replaceAll('-', ''),
    begun: context.now().getTime(),
    total: announced === undefined ? undefined : Number(announced),
    pieces: [],
    size: 0,
    ended: undefined,
  }
  context.state.keep(session)
  const host = header(request, 'host') ?? ''
  const query = `uploadType=resumable&upload_id=${session.id}`
  return {
    status: 200,
    headers: {
      location: `http://${host}/upload/storage/v1/b/${session.bucket}/o?${query}`,
      'x-guploader-uploadid': session.id,
    },
  }
}

/** Stores a chunk, or returns how much is persisted. Requests on one upload run one after another. */
export const continueResumable: Run = async (context, request) => {
  const id = request.query.get('upload_id') ?? ''
  return await context.live.inTurn(id, async () => await answerChunk(context, request, id))
}

async function answerChunk(context: Context, request: GcsRequest, id: string): Promise<Answer> {
  const session = openSession(context, request, id)
  if (typeof session.ended === 'object') return json(200, session.ended.resource)
  const range = parseContentRange(header(request, 'content-range'))
  if (range.kind === 'status')
    return range.total === session.size ? await finish(context, request, session) : incomplete(session)
  const total = range.total ?? session.total
  if (session.total !== undefined && total !== session.total)
    throw invalid(`The upload was announced with ${session.total} bytes, not with ${total ?? 0}.`)
  const { taken, isLast } = await takeChunk(context, request, session, range)
  return isLast ? await finish(context, request, taken) : incomplete(taken)
}

/**
 * Returns an upload by its id.
 *
 * @throws 404 if it never existed, and 410 if it ended without an object.
 */
function openSession({ state, now }: Context, { names }: GcsRequest, id: string): Session {
  const session = state.session(id)
  if (session?.bucket !== names[0] || session === undefined)
    throw new GcsError(404, 'notFound', 'Upload session not found.')
  const isOver = session.ended === 'cancelled' || session.ended === 'failed'
  if (isOver || now().getTime() - session.begun > oneWeek)
    throw new GcsError(410, 'gone', 'The upload session is over.')
  return session
}

/** Returns "308 Resume Incomplete", with the offset of the last persisted byte, if there is one. */
function incomplete({ id, size }: Session): Answer {
  return {
    status: 308,
    headers: {
      range: size === 0 ? undefined : `bytes=0-${size - 1}`,
      'x-guploader-uploadid': id,
    },
  }
}

/**
 * Persists the bytes of a request. Bytes that are already persisted are skipped. If the connection is cut, the blocks
 * that arrived completely are persisted. A gap before the first byte is 503 in plain text, as in production:
 * https://github.com/googleapis/java-storage (ITJsonResumableSessionPutTaskTest).
 */
async function takeChunk(
  { state, live }: Context,
  request: GcsRequest,
  session: Session,
  { start, end, total = session.total }: Extract<ContentRange, { kind: 'bytes' }>,
): Promise<{ readonly taken: Session; readonly isLast: boolean }> {
  if (start > session.size)
    throw new PlainError(
      503,
      'backendError',
      `Invalid request. According to the Content-Range header, the upload offset is ${start} byte(s), which exceeds already uploaded size of ${session.size} byte(s).`,
    )
  const isLast = end === undefined || end === total
  if (!isLast && (end - start) % blockBytes !== 0)
    throw invalid(
      `The size of a chunk that is not the last must be a multiple of ${blockBytes}, but it is ${end - start}.`,
    )

  const writer = await state.files.create()
  const hashes = await live.takeHashes(session)
  const persist = async (): Promise<Session> => {
    const piece = await writer.finish()
    if (piece.size === 0) await state.files.remove([piece])
    const pieces = piece.size === 0 ? session.pieces : [...session.pieces, piece]
    const taken = { ...session, pieces, size: session.size + piece.size, total }
    state.keep(taken)
    live.keepHashes(taken, hashes)
    return taken
  }
  try {
    const body = exactly(request.call.body(), start, end ?? total)
    for await (const block of blocksOf(body, session.size - start)) {
      hashes.update(block)
      await writer.write(block)
    }
  } catch (error) {
    if (error instanceof GcsError) await writer.discard()
    else await persist()
    throw error
  }
  const taken = await persist()
  return { taken: isLast ? { ...taken, total: taken.size } : taken, isLast }
}

/** Yields the bytes of a body. Throws 400 if `end` is known and the body does not have `end - start` bytes. */
async function* exactly(
  body: AsyncIterable<Uint8Array>,
  start: number,
  end: number | undefined,
): AsyncGenerator<Uint8Array> {
  let received = 0
  for await (const chunk of body) {
    received += chunk.byteLength
    if (end !== undefined && received > end - start) throw bodyMismatch(received, start, end)
    yield chunk
  }
  if (end !== undefined && received !== end - start) throw bodyMismatch(received, start, end)
}

function bodyMismatch(received: number, start: number, end: number): GcsError {
  return invalid(
    `Invalid request. There were ${received} byte(s) in the request body. There should have been ${end - start} byte(s) (starting at offset ${start} and ending at offset ${end - 1}) according to the Content-Range header.`,
  )
}

/** Skips the first bytes, then yields whole blocks, and at the end the rest. */
async function* blocksOf(body: AsyncIterable<Uint8Array>, skip: number): AsyncGenerator<Uint8Array> {
  let pending: Uint8Array[] = []
  let size = 0
  let toSkip = skip
  for await (const chunk of body) {
    const kept = chunk.subarray(Math.min(toSkip, chunk.byteLength))
    toSkip -= chunk.byteLength - kept.byteLength
    pending.push(kept)
    size += kept.byteLength
    if (size < blockBytes) continue
    const together = Buffer.concat(pending)
    const whole = size - (size % blockBytes)
    yield together.subarray(0, whole)
    pending = [together.subarray(whole)]
    size -= whole
  }
  if (size > 0) yield Buffer.concat(pending)
}

/** Turns the upload into an object. If its hashes or conditions do not hold, the upload has failed for good. */
async function finish(context: Context, request: GcsRequest, session: Session): Promise<Answer> {
  const { state, live } = context
  const { pieces, size } = session
  const hashes = await live.takeHashes(session)
  const content = { pieces, size, ...hashes.digests(), components: undefined }
  try {
    const inHeader = hashesOfHeader(header(request, 'x-goog-hash'))
    const wanted = { ...session, hashes: together(session.hashes, inHeader) }
    const resource = resourceOf(await storeObject(context, wanted, content), request)
    state.keep({ ...session, pieces: [], ended: { resource } })
    return json(200, resource)
  } catch (error) {
    if (error instanceof GcsError) await endWithout(context, session, 'failed', pieces)
    throw error
  }
}

/** Cancels an upload, and returns "499 Client Closed Request". */
export const cancelResumable: Run = async (context, request) => {
  const session = openSession(context, request, request.query.get('upload_id') ?? '')
  if (session.ended !== undefined) throw new GcsError(410, 'gone', 'The upload session is over.')
  await endWithout(context, session, 'cancelled', session.pieces)
  return { status: 499 }
}

async function endWithout(
  { state }: Context,
  session: Session,
  ended: 'cancelled' | 'failed',
  pieces: readonly Piece[],
): Promise<void> {
  state.keep({ ...session, pieces: [], ended })
  await state.files.remove(pieces)
}
