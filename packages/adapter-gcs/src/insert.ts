import { randomUUID } from 'node:crypto'
import {
  ask,
  type Bucket,
  type GcsObject,
  type ObjectMetadata,
  parseUploaded,
  sentMetadata,
  uploadUrl,
} from './bucket.ts'
import { bodyOf } from './send.ts'

/**
 * Stores bytes in one request, with a checksum that the store verifies before the object is visible:
 * https://cloud.google.com/storage/docs/json_api/v1/objects/insert. A signal does not stop it, since the store may
 * still execute a request that was cut off.
 */
export async function uploadWhole(
  bucket: Bucket,
  key: string,
  bytes: Uint8Array,
  metadata: ObjectMetadata & { readonly crc32c: number },
  condition: { readonly ifGenerationMatch?: 0 } = {},
): Promise<GcsObject> {
  const { contentType = 'application/octet-stream' } = metadata
  const boundary = randomUUID()
  const head = [
    `--${boundary}`,
    'content-type: application/json; charset=utf-8',
    '',
    sentMetadata(bucket, key, metadata),
    `--${boundary}`,
    `content-type: ${contentType}`,
    '',
    '',
  ].join('\r\n')
  const { data } = await ask(bucket, {
    method: 'POST',
    url: uploadUrl(bucket),
    query: { uploadType: 'multipart', kmsKeyName: bucket.kmsKeyName, ...condition },
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: bodyOf(Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--`)),
  })
  return parseUploaded(bucket, key, data, { size: bytes.byteLength, crc32c: metadata.crc32c })
}
