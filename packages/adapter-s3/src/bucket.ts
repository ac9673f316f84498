import type { S3Client } from '@aws-sdk/client-s3'
import type { ObjectHash, ObjectNames, RequestContext } from '@holdfast/core'
import { type ToldChecksum, vouchedBy } from './checksum.ts'
import type { Checksum, Encryption, StorageClass } from './options.ts'

/** What every request to this store has in common. */
export interface Bucket extends RequestContext {
  readonly client: S3Client
  readonly name: string
  readonly names: ObjectNames
  readonly checksum: Checksum
  readonly storageClass: StorageClass | undefined
  readonly encryption: Encryption | undefined
  readonly kmsKeyId: string | undefined
  readonly requesterPays: boolean
}

/** The bucket, the name of an object and who pays: the fields of every request about one object. */
export function addressOf(
  { name, names, requesterPays }: Bucket,
  key: string,
): { readonly Bucket: string; readonly Key: string; readonly RequestPayer?: 'requester' } {
  return {
    Bucket: name,
    Key: names.object(key),
    ...(requesterPays ? { RequestPayer: 'requester' } : {}),
  }
}

/** The fields of a request that stores payload. */
export function payloadOf(bucket: Bucket, key: string, contentType: string | undefined): Payload {
  const { storageClass } = bucket
  return {
    ...addressOf(bucket, key),
    ...encryptionOf(bucket),
    ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
    ...(contentType === undefined ? {} : { ContentType: contentType }),
  }
}

/** How the store is to encrypt what it is given. */
export function encryptionOf({ encryption, kmsKeyId }: Bucket): {
  readonly ServerSideEncryption?: Encryption
  readonly SSEKMSKeyId?: string
} {
  return {
    ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
    ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
  }
}

type Payload = ReturnType<typeof addressOf> &
  ReturnType<typeof encryptionOf> & { readonly StorageClass?: StorageClass; readonly ContentType?: string }

/** What the answer to an upload tells of the object. */
export interface Stored {
  readonly revision: string
  readonly vouched?: ObjectHash
}

export function storedAs(answer: ToldChecksum & { readonly ETag?: string | undefined }): Stored {
  const vouched = vouchedBy(answer)
  return { revision: revisionOf(answer.ETag), ...(vouched === undefined ? {} : { vouched }) }
}

/** The options by which the SDK stops a request. */
export function stoppedBy(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

/** An ETag without its quotes. */
export function revisionOf(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '')
}
