import { createHash, randomUUID } from 'node:crypto'
import { notImplemented, S3Error } from './errors.ts'

/**
 * Returns whether a name is that of a directory bucket or of an access point of one, which only the name shows:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html.
 */
export function isDirectoryBucket(bucket: string): boolean {
  return /--xa?-s3$/.test(bucket)
}

interface Listing {
  readonly bucket: string
  readonly query: ReadonlyMap<string, string>
}

/**
 * Throws for a parameter of a listing that directory buckets do not support:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html.
 */
export function assertListableInDirectory({ bucket, query }: Listing): void {
  if (!isDirectoryBucket(bucket)) return
  for (const name of ['start-after', 'upload-id-marker'])
    if (query.has(name)) throw notImplemented(`the parameter ${name} for a directory bucket`)
  const prefix = query.get('prefix') ?? ''
  if (prefix !== '' && !prefix.endsWith('/'))
    throw new S3Error('InvalidArgument', 'Prefixes of a directory bucket must end in a delimiter.', {
      ArgumentName: 'prefix',
      ArgumentValue: prefix,
    })
}

/** Returns a text that decides the place of a name in an unordered listing. It is the same for every request. */
export function shuffledPlace(name: string): string {
  return createHash('sha1').update(name).digest('hex')
}

/**
 * Returns the ETag of an object or a part. It is the MD5 of the bytes, except in directory buckets, where it is random:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html.
 */
export function etagIn(bucket: string, md5: string): string {
  return isDirectoryBucket(bucket) ? randomUUID().replaceAll('-', '') : md5
}
