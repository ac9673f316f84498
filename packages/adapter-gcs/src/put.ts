import {
  type ByteSource,
  type PutOptions,
  type PutResult,
  wholeOrParts,
  request,
  SourceReader,
  throwIfAborted,
} from '@holdfast/core'
import type { Bucket, GcsObject } from './bucket.ts'
import { crc32cOf, vouchedBy } from './checksum.ts'
import { hasStatus, mayHaveHappened } from './errors.ts'
import { lookOnce } from './read.ts'
import { beginUpload, type Chunk } from './resumable.ts'
import { uploadWhole } from './upload.ts'

/** Chunks that the source may not touch: the one on its way, and the one after it. */
export const chunksHeld = 2

/** One request for what fits a chunk; a resumable upload, chunk after chunk, for what does not. */
export async function put(
  bucket: Bucket,
  chunkBytes: number,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  const { signal } = options
  const size = options.size ?? (source instanceof Uint8Array ? source.byteLength : undefined)
  await using reader = await SourceReader.open(source, { chunkBytes, chunksHeld, size, signal })
  const ahead = await wholeOrParts(reader)
  const { generation, crc32c } =
    ahead.kind === 'whole'
      ? await putWhole(bucket, key, ahead.bytes, options)
      : await putChunks(bucket, key, ahead.chunks, options)
  return { key, ...reader.result(), revision: generation, vouched: vouchedBy(crc32c) }
}

async function putWhole(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { contentType, signal, onProgress }: PutOptions,
): Promise<GcsObject> {
  const { storageClass } = bucket
  const crc32c = crc32cOf(bytes)
  let mayBeThere = false
  const object = await request(bucket, { what: `The put of ${key}`, key, signal }, async () => {
    try {
      return await uploadWhole(bucket, key, bytes, { contentType, storageClass, crc32c })
    } catch (error) {
      // A retention policy protects what a request has stored whose answer was lost from being stored once more.
      const there = mayBeThere && hasStatus(error, 403) ? await lookOnce(bucket, key, signal) : undefined
      if (there?.size === bytes.byteLength && there.crc32c === crc32c) return there
      mayBeThere ||= mayHaveHappened(error)
      throw error
    }
  })
  onProgress?.(bytes.byteLength)
  return object
}

async function putChunks(
  bucket: Bucket,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  { contentType, signal, onProgress }: PutOptions,
): Promise<GcsObject> {
  const upload = await beginUpload(bucket, key, contentType, signal)
  try {
    for await (const chunk of inOrder(chunks)) {
      throwIfAborted(signal, `The put of ${key}`, { key, url: bucket.names.url })
      const object = await upload.send(chunk, signal)
      onProgress?.(chunk.offset + chunk.bytes.byteLength)
      if (object !== undefined) return object
    }
    throw new Error('A source without chunks is not sent in chunks')
  } catch (error) {
    await upload.abandon(error)
    throw error
  }
}

/** Reads one chunk ahead, to know which one is the last. */
async function* inOrder(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Chunk> {
  let offset = 0
  let before: Uint8Array | undefined
  for await (const bytes of chunks) {
    if (before !== undefined) {
      yield { bytes: before, offset, last: false }
      offset += before.byteLength
    }
    before = bytes
  }
  if (before !== undefined) yield { bytes: before, offset, last: true }
}
