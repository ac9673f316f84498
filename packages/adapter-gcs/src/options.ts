import type { Storage } from '@google-cloud/storage'
import {
  type AdapterOption,
  HoldfastError,
  type ObjectStoreOptions,
  objectStoreOptions,
  optionReaders,
  parseSize,
  type Size,
} from '@holdfast/core/backend'

/** What a key file holds: of a service account, or of a user (`gcloud auth application-default login`). */
export type GcsCredentials = Readonly<Record<string, unknown>>

/** How to reach a bucket, and how to store in it. What is not said comes from the SDK's default chain. */
export interface GcsOptions extends ObjectStoreOptions {
  /** Other than Google's, such as that of an emulator. Default: `STORAGE_EMULATOR_HOST`, else Google's. */
  readonly endpoint?: string | undefined
  /**
   * Send no credentials. Default: true for an endpoint that is not below `googleapis.com`, unless credentials are
   * given.
   */
  readonly anonymous?: boolean | undefined
  /** The path of a key file. Workload identity needs none: it is part of Application Default Credentials. */
  readonly keyFilename?: string | undefined
  /** The contents of a key file. Default: Application Default Credentials. */
  readonly credentials?: GcsCredentials | undefined
  /** The project that pays for requests to a bucket whose owner does not. */
  readonly userProject?: string | undefined
  /** Of the objects with payload. Default: that of the bucket, as for the small documents that decide truth. */
  readonly storageClass?: StorageClass | undefined
  /** The Cloud KMS key that encrypts what is stored: `projects/p/locations/l/keyRings/r/cryptoKeys/k`. */
  readonly kmsKeyName?: string | undefined
  /**
   * Bytes of one request of a resumable upload of a stream, in whole 256 KiB. Objects up to one chunk are sent in one
   * request, larger ones of bytes or of a file in two.
   * Default: 8 MiB.
   */
  readonly chunkSize?: Size | undefined
  /** Requests under way at once where many objects are deleted. Default: 16. */
  readonly parallel?: number | undefined
  /** A ready-made client; then `endpoint`, `anonymous`, `keyFilename` and `credentials` are its own business. */
  readonly client?: Storage | undefined
}

/** All of them can be read at once (Cloud Storage documentation, "Storage classes"). */
export const storageClasses = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'] as const
export type StorageClass = (typeof storageClasses)[number]

export const defaultChunkBytes = 8 * 2 ** 20
export const defaultParallel = 16

/** What every chunk but the last is a multiple of (Cloud Storage documentation, "Resumable uploads"). */
const chunkUnit = 256 * 2 ** 10

/** Bytes of a chunk. Throws `CONFIG` when the store does not take such. */
export function chunkBytesOf({ chunkSize = defaultChunkBytes }: GcsOptions): number {
  const bytes = parseSize(chunkSize)
  if (bytes > 0 && bytes % chunkUnit === 0) return bytes
  throw new HoldfastError(
    'CONFIG',
    `chunkSize is a multiple of 256 KiB, as Google Cloud Storage asks for, not ${bytes} bytes.`,
  )
}

/** What a URL or a configuration file may say. A ready-made client is given in code. */
export const optionShape = {
  endpoint: { read: optionReaders.endpoint, inUrl: true },
  anonymous: { read: optionReaders.flag, inUrl: true },
  keyFilename: { read: optionReaders.text, inUrl: true },
  credentials: { read: readCredentials, inUrl: false },
  userProject: { read: optionReaders.text, inUrl: true },
  storageClass: { read: optionReaders.oneOf(...storageClasses), inUrl: true },
  kmsKeyName: { read: optionReaders.text, inUrl: true },
  chunkSize: { read: optionReaders.size, inUrl: true },
  parallel: { read: optionReaders.count, inUrl: true },
  client: { read: readClient, inUrl: false },
  ...objectStoreOptions,
} as const satisfies Readonly<Record<string, AdapterOption<unknown>>>

function readCredentials(value: unknown): GcsCredentials {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new Error('is an object, such as the contents of a key file')
}

function readClient(value: unknown): Storage {
  if (typeof value === 'object' && value !== null && 'authClient' in value && 'apiEndpoint' in value)
    return value as Storage
  throw new Error('is a Storage of @google-cloud/storage')
}
