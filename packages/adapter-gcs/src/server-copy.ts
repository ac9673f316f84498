import {
  fieldOf,
  foreignAnswer,
  KnownBackends,
  type PutOptions,
  requestWithRetry,
  type SourceObject,
  type Stored,
  stringFieldOf,
} from '@holdfast/core/backend'
import { ask, type Bucket, objectUrl, parseObject, sentMetadata, storedAs } from './bucket.ts'
import { bodyOf } from './send.ts'

/** The buckets of the backends of this adapter, whose objects `put` of another backend can copy. */
export const knownBuckets = new KnownBackends<Bucket>()

/**
 * Lets the service rewrite an object of a bucket at the same endpoint. A large object takes several requests, each of which
 * continues the one before: https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite. A signal takes effect between two
 * requests, since the service may still finish a copy whose request was cut off. Returns `undefined` if the object has no
 * checksum that the service verified.
 */
export async function copyWithinService(
  bucket: Bucket,
  key: string,
  object: SourceObject,
  { contentType = 'application/octet-stream', signal }: PutOptions,
  report: (bytes: number) => void,
): Promise<Stored | undefined> {
  const from = knownBuckets.of(object)
  if (from?.endpoint !== bucket.endpoint || object.storeDigest?.algorithm !== 'crc32c') return undefined
  const target = new URL(objectUrl(bucket, key))
  const path = target.pathname.slice(target.pathname.indexOf('/b/'))
  const info = { what: `The copy to ${key}`, key, signal }
  const metadata = sentMetadata(bucket, key, { contentType, storageClass: bucket.storageClass })
  for (let rewriteToken: string | undefined; ; ) {
    const { data } = await requestWithRetry(bucket, info, () =>
      ask(bucket, {
        method: 'POST',
        url: `${objectUrl(from, object.key)}/rewriteTo${path}`,
        query: {
          rewriteToken,
          ifSourceGenerationMatch: object.revision,
          destinationKmsKeyName: bucket.kmsKeyName,
        },
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: bodyOf(Buffer.from(metadata)),
      }),
    )
    if (fieldOf(data, 'done') === true) return storedAs(parseObject(fieldOf(data, 'resource')))
    rewriteToken = stringFieldOf(data, 'rewriteToken')
    if (rewriteToken === undefined) throw foreignAnswer(info, 'it does not state how the copy continues')
    report(Number(stringFieldOf(data, 'totalBytesRewritten') ?? 0))
  }
}
