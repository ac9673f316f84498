import type { Answer } from '../http-server.ts'
import type { Piece } from '../pieces.ts'
import { type ContentRange, parseContentRange } from './content-range.ts'
import { type Context, json, type Run } from './context.ts'
import { GcsError, invalid, PlainError } from './errors.ts'
import { together, wantedBy } from './insert.ts'
import { hashesOfHeader } from './metadata.ts'
import { type GcsRequest, header, readJson } from './request.ts'
import { resourceOf } from './resource.ts'
import type { Session } from './model.ts'
import { storeObject } from './store-object.ts'

/** What a chunk but the last has to be a multiple of, and what is persisted of a request that is cut. */
const blockBytes = 256 * 1024

/** "Resumable uploads", "Session URIs": they expire after a week. */
const oneWeek = 7 * 24 * 3600 * 1000

/** Begins an upload, and says where it goes on. Conditions are remembered, and hold or not when it ends. */
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

/** Takes a chunk, or says how much is persisted. Requests on one upload are taken one after the other. */
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

/** @throws 404 when there never was one, 410 when it has ended without becoming an object. */
function openSession({ state, now }: Context, { names }: GcsRequest, id: string): Session {
  const session = state.session(id)
  if (session?.bucket !== names[0] || session === undefined)
    throw new GcsError(404, 'notFound', 'Upload session not found.')
  const isOver = session.ended === 'cancelled' || session.ended === 'failed'
  if (isOver || now().getTime() - session.begun > oneWeek)
    throw new GcsError(410, 'gone', 'The upload session is over.')
  return session
}

/** "308 Resume Incomplete", with the last byte that is persisted, if any is. */
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
 * Persists the bytes of a request. Those that are persisted already are passed over; a gap is 503, in plain text (as
 * production answers it: googleapis/java-storage, ITJsonResumableSessionPutTaskTest). Of a request that is cut, the
 * blocks that came whole are persisted.
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
    throw invalid(`A chunk of ${end - start} bytes is no multiple of ${blockBytes}, and not the last.`)

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

/** The bytes, which have to be as many as from `start` to before `end`, if that is known. */
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

/** The bytes after the first ones in whole blocks, and what is left over once the end has come. */
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

/** Makes the upload an object. One that cannot become what it should is over. */
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

/** "499 Client Closed Request": the upload is cancelled. */
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
