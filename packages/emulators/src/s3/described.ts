import { S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'
import type { Described } from './state.ts'

/** Headers with which a client can describe an object. */
export const describingHeaders: readonly string[] = [
  'x-amz-meta-*',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-storage-class',
]

const standardHeaders = [
  'cache-control',
  'content-disposition',
  'content-language',
  'expires',
  'x-amz-server-side-encryption',
  'x-amz-server-side-encryption-aws-kms-key-id',
]

const storageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
  'REDUCED_REDUNDANCY',
  'EXPRESS_ONEZONE',
]

/**
 * The largest total size of metadata, names and values, in bytes:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html.
 */
const mostMetadata = 2048

/** Describes an object by the headers of a request. Without `keepsMetadata`, its own metadata are dropped. */
export function describedBy(request: S3Request, keepsMetadata: boolean): Described {
  const storageClass = header(request, 'x-amz-storage-class') ?? 'STANDARD'
  if (!storageClasses.includes(storageClass))
    throw new S3Error('InvalidRequest', `The storage class ${storageClass} is not valid.`)
  const encryption = header(request, 'x-amz-server-side-encryption') ?? 'AES256'
  if (!['AES256', 'aws:kms'].includes(encryption))
    throw new S3Error('InvalidArgument', 'The encryption method specified is not supported')
  const headers: Record<string, string> = {
    'content-type': header(request, 'content-type') ?? 'binary/octet-stream',
  }
  let metadata = 0
  for (const [name, value] of Object.entries(request.call.headers)) {
    const isMetadata = name.startsWith('x-amz-meta-')
    if (!isMetadata && !standardHeaders.includes(name)) continue
    if (keepsMetadata || !isMetadata) headers[name] = String(value)
    if (isMetadata) metadata += name.length - 'x-amz-meta-'.length + String(value).length
  }
  if (metadata > mostMetadata)
    throw new S3Error('MetadataTooLarge', undefined, { Size: metadata, MaxSizeAllowed: mostMetadata })
  const codings = (header(request, 'content-encoding') ?? '')
    .split(/ *, */)
    .filter((coding) => coding !== '' && coding !== 'aws-chunked')
  if (codings.length > 0) headers['content-encoding'] = codings.join(', ')
  return { headers, storageClass }
}
