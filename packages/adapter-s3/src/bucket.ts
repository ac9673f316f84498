import type { S3Client } from '@aws-sdk/client-s3'
import {
  foreignAnswer,
  type ObjectStore,
  type RequestInfo,
  type Stored,
  unquotedEtag,
} from '@holdfast/core/backend'
import type { DirectTransfers } from '@holdfast/core/connections'
import { type ChecksumResponse, storeDigestOf } from './checksum.ts'
import type { Checksum, Encryption, ListOrder, StorageClass } from './options.ts'
import { timeOf } from './response-time.ts'

/** The settings that all requests to a bucket share. */
export interface Bucket extends ObjectStore {
  readonly client: S3Client
  /** Opens a connection for each request, unless the client is ready-made. */
  readonly unpooled: Pick<Bucket, 'client' | 'progress' | 'endsSilence'>
  /**
   * Whether the client ends a connection over which no byte passes for a minute. A ready-made client may wait for ever. Bytes of a
   * body that is being sent count: https://nodejs.org/api/net.html#socketsettimeouttimeout-callback.
   */
  readonly endsSilence: boolean
  /** The connections for the bytes of large objects. A ready-made client transfers them itself. */
  readonly direct: DirectTransfers | undefined
  /** Removes from a ready-made client what the backend added to it. */
  readonly forgetSecrets: () => void
  readonly name: string
  /** Whether it is a directory bucket (`directory-bucket.ts`). */
  readonly isDirectory: boolean
  readonly listOrder: ListOrder
  readonly checksum: Checksum
  readonly storageClass: StorageClass | undefined
  readonly encryption: Encryption | undefined
  readonly kmsKeyId: string | undefined
  readonly requesterPays: boolean
}

/** Returns the fields of every request: the bucket, and who pays. */
export function bucketAddress({ name, requesterPays }: Bucket): {
  readonly Bucket: string
  readonly RequestPayer: 'requester' | undefined
} {
  return { Bucket: name, RequestPayer: requesterPays ? 'requester' : undefined }
}

/** Returns the fields of every request about one object. */
export function addressOf(
  bucket: Bucket,
  key: string,
): ReturnType<typeof bucketAddress> & { readonly Key: string } {
  return { ...bucketAddress(bucket), Key: bucket.names.object(key) }
}

/** Returns the fields of a request that stores payload. */
export function payloadOf(bucket: Bucket, key: string, contentType: string | undefined): Payload {
  return {
    ...addressOf(bucket, key),
    ...encryptionOf(bucket),
    StorageClass: bucket.storageClass,
    ContentType: contentType,
  }
}

/** Returns the fields that state how the store encrypts an object. */
export function encryptionOf({ encryption, kmsKeyId }: Bucket): {
  readonly ServerSideEncryption: Encryption | undefined
  readonly SSEKMSKeyId: string | undefined
} {
  return { ServerSideEncryption: encryption, SSEKMSKeyId: kmsKeyId }
}

type Payload = ReturnType<typeof addressOf> &
  ReturnType<typeof encryptionOf> & {
    readonly StorageClass: StorageClass | undefined
    readonly ContentType: string | undefined
  }

/**
 * Reads the response to a request that stored an object. Throws if it has no ETag, which S3 always sends:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html.
 */
export function storedAs(
  info: RequestInfo,
  answer: ChecksumResponse & { readonly ETag?: string | undefined },
): Stored {
  const revision = unquotedEtag(answer.ETag)
  if (revision === '') throw foreignAnswer(info, 'it has no ETag')
  return { revision, storeDigest: storeDigestOf(answer), storedAt: timeOf(answer) }
}
