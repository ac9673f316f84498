import { PutObjectCommand } from '@aws-sdk/client-s3'
import {
  type ByteSource,
  type PartPlan,
  planParts,
  type PutOptions,
  type PutResult,
  wholeOrParts,
  sendParts,
  SourceReader,
  throwIfAborted,
  request,
} from '@holdfast/core'
import { type Bucket, payloadOf, type Stored, storedAs } from './bucket.ts'
import { base64Crc32, crc32Of } from './checksum.ts'
import { beginUpload, maxParts } from './multipart.ts'

/** One request for what fits a part; a multipart upload, several parts at once, for what does not. */
export async function put(
  bucket: Bucket,
  wanted: PartPlan,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  const { signal } = options
  const size = options.size ?? (source instanceof Uint8Array ? source.byteLength : undefined)
  const { partBytes, parallel } = planParts(wanted, size, maxParts)
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
      ? await putWhole(bucket, key, ahead.bytes, options)
      : await putParts(bucket, key, ahead.chunks, parallel, options)
  return { key, ...reader.result(), ...stored }
}

/** Not stopped once it is on its way: a request that was cut off may still be carried out. */
async function putWhole(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  { contentType, signal, onProgress }: PutOptions,
): Promise<Stored> {
  const answer = await request(bucket, { what: `The put of ${key}`, key, signal }, () => {
    const command = new PutObjectCommand({
      ...payloadOf(bucket, key, contentType),
      Body: bytes,
      ContentLength: bytes.byteLength,
      ...(bucket.checksum === 'none' ? {} : { ChecksumCRC32: base64Crc32(crc32Of(bytes)) }),
    })
    return bucket.client.send(command)
  })
  onProgress?.(bytes.byteLength)
  return storedAs(answer)
}

async function putParts(
  bucket: Bucket,
  key: string,
  chunks: AsyncIterable<Uint8Array>,
  parallel: number,
  { contentType, signal, onProgress }: PutOptions,
): Promise<Stored> {
  const upload = await beginUpload(bucket, key, contentType, signal)
  try {
    let stored = 0
    const parts = await sendParts(chunks, parallel, signal, async (part, partSignal) => {
      const sent = await upload.sendPart(part, partSignal)
      stored += part.bytes.byteLength
      onProgress?.(stored)
      return sent
    })
    throwIfAborted(signal, `The put of ${key}`, { key, url: bucket.names.url })
    return await upload.complete(parts)
  } catch (error) {
    await upload.abandon(error)
    throw error
  }
}
