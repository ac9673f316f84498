import type { S3Client } from '@aws-sdk/client-s3'
import {
  type AdapterOption,
  fieldOf,
  HoldfastError,
  type ObjectStoreOptions,
  objectStoreOptions,
  optionReaders,
  parseSize,
  type Size,
  stringFieldOf,
} from '@holdfast/core/backend'

/** Keys that never change, for stores that the SDK's own chain does not serve. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** How to reach a bucket, and how to store in it. What is not said comes from the SDK's default chain. */
export interface S3Options extends ObjectStoreOptions {
  /** Default: that of the environment or profile; `us-east-1` where an endpoint is given. */
  readonly region?: string | undefined
  /** Of a compatible store, such as `https://minio.example.com`. */
  readonly endpoint?: string | undefined
  /** Whether the bucket is named in the path instead of the host. Default: true where an endpoint is given. */
  readonly pathStyle?: boolean | undefined
  /** A profile of the AWS configuration files. */
  readonly profile?: string | undefined
  /** Default: whatever the SDK finds (environment, profile, SSO, container, instance). */
  readonly credentials?: S3Credentials | undefined
  /** Of the objects with payload. The small documents that decide truth stay in the standard class. */
  readonly storageClass?: StorageClass | undefined
  /** Server-side encryption. */
  readonly encryption?: Encryption | undefined
  /** The KMS key; without one the account's default key. */
  readonly kmsKeyId?: string | undefined
  /** Pay for requests to a bucket whose owner does not. */
  readonly requesterPays?: boolean | undefined
  /**
   * `crc32`: each upload carries a checksum of the whole object, which the store verifies and keeps. `none`: for
   * stores that refuse the headers; `hash` then reads the bytes. Default: `crc32`.
   */
  readonly checksum?: Checksum | undefined
  /** Bytes of a part, at least 5 MiB. Objects up to one part are sent in one request. Default: 8 MiB. */
  readonly partSize?: Size | undefined
  /**
   * The most parts of one object, for stores that take fewer than Amazon S3: Scaleway takes 1,000
   * (https://www.scaleway.com/en/docs/object-storage/api-cli/multipart-uploads/). Parts grow so that large files need no
   * more. Default: 10,000.
   */
  readonly maxParts?: number | undefined
  /** Parts of one object that are under way at once. Default: 4. */
  readonly parallel?: number | undefined
  /** A ready-made client; then `region`, `endpoint`, `pathStyle`, `profile` and `credentials` are its own business. */
  readonly client?: S3Client | undefined
}

export const storageClasses = [
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
] as const
/** Those that can be read at once: a checkpoint in a class that must be thawed first could not be restored. */
export type StorageClass = (typeof storageClasses)[number]

export const encryptions = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const
export type Encryption = (typeof encryptions)[number]

export const checksums = ['crc32', 'none'] as const
export type Checksum = (typeof checksums)[number]

export const defaultPartBytes = 8 * 2 ** 20
export const defaultParallel = 4

/** The smallest part but the last (S3 User Guide, "Amazon S3 multipart upload limits"). */
const minPartBytes = 5 * 2 ** 20

/** Bytes of a part. Throws `CONFIG` when that is less than S3 takes. */
export function partBytesOf({ partSize = defaultPartBytes }: S3Options): number {
  const bytes = parseSize(partSize)
  if (bytes >= minPartBytes) return bytes
  throw new HoldfastError(
    'CONFIG',
    `partSize is at least 5 MiB, the smallest that S3 takes, not ${bytes} bytes.`,
  )
}

/** Parts of one upload to Amazon S3 (S3 User Guide, "Amazon S3 multipart upload limits"). */
const mostParts = 10_000

/** The most parts of one object. Throws `CONFIG` for more than S3 takes. */
export function maxPartsOf({ maxParts = mostParts }: S3Options): number {
  if (Number.isSafeInteger(maxParts) && maxParts >= 1 && maxParts <= mostParts) return maxParts
  throw new HoldfastError(
    'CONFIG',
    `maxParts must be a whole number from 1 to ${mostParts}, not ${maxParts}.`,
  )
}

/** What a URL or a configuration file may say. A ready-made client is given in code. */
export const optionShape = {
  region: { read: optionReaders.text, inUrl: true },
  endpoint: { read: optionReaders.endpoint, inUrl: true },
  pathStyle: { read: optionReaders.flag, inUrl: true },
  profile: { read: optionReaders.text, inUrl: true },
  credentials: { read: readCredentials, inUrl: false },
  storageClass: { read: optionReaders.oneOf(...storageClasses), inUrl: true },
  encryption: { read: optionReaders.oneOf(...encryptions), inUrl: true },
  kmsKeyId: { read: optionReaders.text, inUrl: true },
  requesterPays: { read: optionReaders.flag, inUrl: true },
  checksum: { read: optionReaders.oneOf(...checksums), inUrl: true },
  partSize: { read: optionReaders.size, inUrl: true },
  maxParts: { read: optionReaders.count, inUrl: true },
  parallel: { read: optionReaders.count, inUrl: true },
  client: { read: readClient, inUrl: false },
  ...objectStoreOptions,
} as const satisfies Readonly<Record<string, AdapterOption<unknown>>>

function readCredentials(value: unknown): S3Credentials {
  const accessKeyId = stringFieldOf(value, 'accessKeyId')
  const secretAccessKey = stringFieldOf(value, 'secretAccessKey')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error('is an object with accessKeyId and secretAccessKey')
  const sessionToken = stringFieldOf(value, 'sessionToken')
  if (sessionToken !== fieldOf(value, 'sessionToken')) throw new Error('has a sessionToken that is no text')
  return { accessKeyId, secretAccessKey, sessionToken }
}

function readClient(value: unknown): S3Client {
  if (typeof value === 'object' && value !== null && 'send' in value && 'config' in value)
    return value as S3Client
  throw new Error('is an S3Client of @aws-sdk/client-s3')
}
