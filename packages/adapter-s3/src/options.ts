import type { S3Client } from '@aws-sdk/client-s3'
import {
  type AdapterOption,
  type BackendHooks,
  fieldOf,
  HoldfastError,
  type ObjectStoreOptions,
  objectStoreOptions,
  optionReaders,
  parseSize,
  type Size,
  stringFieldOf,
} from '@holdfast/core/backend'

/** Fixed keys, for stores that the credential chain of the SDK does not support. */
export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** How to reach a bucket and how to store objects in it. Defaults come from the default chain of the SDK. */
export interface S3Options extends ObjectStoreOptions {
  /** Default: the region of the environment or profile; `us-east-1` if an endpoint is given. */
  readonly region?: string | undefined
  /** The endpoint of a compatible store, such as `https://minio.example.com`. */
  readonly endpoint?: string | undefined
  /** Whether the path contains the name of the bucket instead of the host. Default: true if an endpoint is given. */
  readonly pathStyle?: boolean | undefined
  /** A profile of the AWS configuration files. */
  readonly profile?: string | undefined
  /** Default: the credentials that the SDK finds (environment, profile, SSO, container, instance). */
  readonly credentials?: S3Credentials | undefined
  /** The storage class of objects with payload. The small documents of the store stay in the standard class. */
  readonly storageClass?: StorageClass | undefined
  /** Server-side encryption. */
  readonly encryption?: Encryption | undefined
  /** The KMS key. Default: the default key of the account. */
  readonly kmsKeyId?: string | undefined
  /** Whether this account pays for requests. Default: the owner of the bucket pays. */
  readonly requesterPays?: boolean | undefined
  /**
   * `crc32`: each upload carries a checksum of the whole object, which the store verifies and keeps. `none`: for
   * stores that refuse the headers; `hash` then reads the bytes. Default: `none` for the endpoint `s3.hf.co`, else `crc32`.
   */
  readonly checksum?: Checksum | undefined
  /**
   * `key`: the store lists objects in the order of their keys, as Amazon S3 does. `none`: it lists them in no order, and they are
   * sorted here. Default: `key`, and `none` for a directory bucket.
   */
  readonly listOrder?: ListOrder | undefined
  /** The size of a part, at least 5 MiB. Objects of up to one part are sent in one request. Default: 8 MiB. */
  readonly partSize?: Size | undefined
  /**
   * The largest number of parts of one object, for stores that allow fewer than Amazon S3. Scaleway allows 1,000
   * (https://www.scaleway.com/en/docs/object-storage/api-cli/multipart-uploads/). Parts grow so that large files need
   * no more parts. Default: 10,000.
   */
  readonly maxParts?: number | undefined
  /** How many parts of one object are sent at once. Default: 4. */
  readonly parallel?: number | undefined
  /**
   * Whether a pin places a legal hold on each object of the checkpoint, and unpinning ends it. The bucket must have object lock.
   * Default: false.
   */
  readonly legalHolds?: boolean | undefined
  /**
   * A ready-made client. `profile` and `credentials` are then refused. Its own region and address apply, so `region`, `endpoint`
   * and `pathStyle` are ignored.
   */
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
/** The classes that can be read at once. A checkpoint in an archive class could not be restored without a thaw. */
export type StorageClass = (typeof storageClasses)[number]

const encryptions = ['AES256', 'aws:kms', 'aws:kms:dsse'] as const
/** How S3 encrypts stored objects. */
export type Encryption = (typeof encryptions)[number]

export const checksums = ['crc32', 'none'] as const
/** The checksum that requests carry, or `none` for servers that support none. */
export type Checksum = (typeof checksums)[number]

/**
 * Returns the checksum of the options, or its default. Hugging Face keeps none:
 * https://huggingface.co/docs/hub/storage-buckets-s3.
 */
export function checksumOf({ checksum, endpoint }: S3Options): Checksum {
  if (checksum !== undefined) return checksum
  return endpoint !== undefined && URL.parse(endpoint)?.hostname === 's3.hf.co' ? 'none' : 'crc32'
}

const listOrders = ['key', 'none'] as const
/** The order of listings: by `key`, or `none` for servers that list in any order. */
export type ListOrder = (typeof listOrders)[number]

const defaultPartBytes = 8 * 2 ** 20
export const defaultParallel = 4

/** The smallest size of all parts but the last: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html. */
const minPartBytes = 5 * 2 ** 20

/** Returns the size of a part in bytes. Throws `CONFIG` if S3 does not allow it. */
export function partBytesOf({ partSize = defaultPartBytes }: S3Options): number {
  const bytes = parseSize(partSize)
  if (bytes >= minPartBytes) return bytes
  throw new HoldfastError(
    'CONFIG',
    `partSize must be at least 5 MiB, the minimum of S3, and is ${bytes} bytes.`,
  )
}

/**
 * The largest number of parts of one upload to Amazon S3:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html.
 */
const mostParts = 10_000

/** Returns the largest number of parts of one object. Throws `CONFIG` if S3 does not allow it. */
export function maxPartsOf({ maxParts = mostParts }: S3Options): number {
  if (Number.isSafeInteger(maxParts) && maxParts >= 1 && maxParts <= mostParts) return maxParts
  throw new HoldfastError(
    'CONFIG',
    `maxParts must be a whole number from 1 to ${mostParts}, not ${maxParts}.`,
  )
}

declare module '@holdfast/core/backend' {
  interface BackendOptionsByScheme {
    readonly s3: Omit<S3Options, keyof BackendHooks>
  }
}

/** The options of URLs and configuration files. A ready-made client is passed in code. */
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
  listOrder: { read: optionReaders.oneOf(...listOrders), inUrl: true },
  partSize: { read: optionReaders.size, inUrl: true },
  maxParts: { read: optionReaders.count, inUrl: true },
  parallel: { read: optionReaders.count, inUrl: true },
  legalHolds: { read: optionReaders.flag, inUrl: true },
  client: { read: readClient, inUrl: false },
  ...objectStoreOptions,
} as const satisfies Readonly<Record<string, AdapterOption<unknown>>>

function readCredentials(value: unknown): S3Credentials {
  const accessKeyId = stringFieldOf(value, 'accessKeyId')
  const secretAccessKey = stringFieldOf(value, 'secretAccessKey')
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error('must be an object with accessKeyId and secretAccessKey')
  const sessionToken = stringFieldOf(value, 'sessionToken')
  if (sessionToken !== fieldOf(value, 'sessionToken'))
    throw new Error('has a sessionToken that is not a string')
  return { accessKeyId, secretAccessKey, sessionToken }
}

function readClient(value: unknown): S3Client {
  if (typeof value === 'object' && value !== null && 'send' in value && 'config' in value)
    return value as S3Client
  throw new Error('must be an S3Client of @aws-sdk/client-s3')
}
