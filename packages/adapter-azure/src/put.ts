import {
  type ByteSource,
  type PartPlan,
  planParts,
  type PutOptions,
  type PutResult,
  wholeOrParts,
  request,
  sendParts,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core'
import { beginUpload, maxBlocks } from './blocks.ts'
import { md5Of } from './checksum.ts'
import { blobOf, type Container, inOneRequest, payloadOf, type Stored, storedAs } from './container.ts'

/** One request for what fits a block; staged blocks, several at once, and their list for what does not. */
export async function put(
  container: Container,
  wanted: PartPlan,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  const { signal } = options
  const size = options.size ?? (source instanceof Uint8Array ? source.byteLength : undefined)
  const { partBytes, parallel } = planParts(wanted, size, maxBlocks)
  await using reader = await SourceReader.open(source, {
    chunkBytes: partBytes,
    // The next one is asked for when one of those under way has ended.
    chunksHeld: Math.max(2, parallel - 1),
    size,
    signal,
  })
  const ahead = await wholeOrParts(reader)
  const stored =
    ahead.kind === 'whole'
      ? await putWhole(container, key, ahead.bytes, options)
      : await putParts(container, key, ahead.chunks, parallel, options)
  return { key, ...reader.result(), ...stored }
}

/** Not stopped once it is on its way: a request that was cut off may still be carried out. */
async function putWhole(
  container: Container,
  key: string,
  bytes: Uint8Array,
  { contentType, signal, onProgress }: PutOptions,
): Promise<Stored> {
  const md5 = md5Of(bytes)
  const answer = await request(container, { what: `The put of ${key}`, key, signal }, () =>
    blobOf(container, key).upload(bytes, bytes.byteLength, {
      ...payloadOf(container, contentType),
      metadata: inOneRequest,
      transactionalContentMD5: md5,
    }),
  )
  onProgress?.(bytes.byteLength)
  return storedAs(answer, 'store')
}

async function putParts(
  container: Container,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  parallel: number,
  { contentType, signal, onProgress }: PutOptions,
): Promise<Stored> {
  const upload = beginUpload(container, key, contentType)
  let stored = 0
  const blockIds = await sendParts(chunks, parallel, signal, async (part, partSignal) => {
    const sent = await upload.sendPart(part, partSignal)
    stored += part.bytes.byteLength
    onProgress?.(stored)
    return sent
  })
  throwIfAborted(signal, `The put of ${key}`, { key, url: container.names.url })
  return upload.complete(blockIds)
}
