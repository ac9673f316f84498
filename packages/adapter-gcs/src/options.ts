import type { Storage } from '@google-cloud/storage'
import {
  type AdapterOption,
  type BackendHooks,
  HoldfastError,
  type ObjectStoreOptions,
  objectStoreOptions,
  optionReaders,
  parseSize,
  type Size,
} from '@holdfast/core/backend'

/** The content of a key file of a service account or of a user (`gcloud auth application-default login`). */
export type GcsCredentials = Readonly<Record<string, unknown>>

/** How to reach a bucket and how to store objects in it. Defaults come from the default chain of the SDK. */
export interface GcsOptions extends ObjectStoreOptions {
  /** The endpoint of an emulator or another server. Default: `STORAGE_EMULATOR_HOST`, else the endpoint of Google. */
  readonly endpoint?: string | undefined
  /**
   * Whether to send no credentials. Default: true for an endpoint that is not below `googleapis.com`, unless
   * credentials are given.
   */
  readonly anonymous?: boolean | undefined
  /** The path of a key file. Workload identity requires none, since it is part of Application Default Credentials. */
  readonly keyFilename?: string | undefined
  /** The contents of a key file. Default: Application Default Credentials. */
  readonly credentials?: GcsCredentials | undefined
  /** The project that pays for requests. Default: the owner of the bucket pays. */
  readonly userProject?: string | undefined
  /**
   * The storage class of objects with payload. Default: the class of the bucket, which the small documents always use.
   */
  readonly storageClass?: StorageClass | undefined
  /** The Cloud KMS key that encrypts the objects: `projects/p/locations/l/keyRings/r/cryptoKeys/k`. */
  readonly kmsKeyName?: string | undefined
  /**
   * The size of one request of a resumable upload of a stream, a multiple of 256 KiB. Objects of up to one chunk are
   * sent in one request. Larger bytes and files are sent in two. Default: 8 MiB.
   */
  readonly chunkSize?: Size | undefined
  /** How many objects are deleted at once. Default: 16. */
  readonly parallel?: number | undefined
  /**
   * A ready-made client. `anonymous`, `keyFilename` and `credentials` are then refused. Its own address applies, so `endpoint` is
   * ignored.
   */
  readonly client?: Storage | undefined
}

/** All classes can be read at once: https://cloud.google.com/storage/docs/storage-classes. */
export const storageClasses = ['STANDARD', 'NEARLINE', 'COLDLINE', 'ARCHIVE'] as const
/** The storage class of stored objects. */
export type StorageClass = (typeof storageClasses)[number]

const defaultChunkBytes = 8 * 2 ** 20
export const defaultParallel = 16

/**
 * The size of every chunk but the last is a multiple of this:
 * https://cloud.google.com/storage/docs/performing-resumable-uploads#chunked-upload.
 */
const chunkUnit = 256 * 2 ** 10

/** Returns the size of a chunk in bytes. Throws `CONFIG` if the store does not allow it. */
export function chunkBytesOf({ chunkSize = defaultChunkBytes }: GcsOptions): number {
  const bytes = parseSize(chunkSize)
  if (bytes > 0 && bytes % chunkUnit === 0) return bytes
  throw new HoldfastError(
    'CONFIG',
    `chunkSize must be a multiple of 256 KiB, as Google Cloud Storage requires, and is ${bytes} bytes.`,
  )
}

declare module '@holdfast/core/backend' {
  interface BackendOptionsByScheme {
    readonly gs: Omit<GcsOptions, keyof BackendHooks>
  }
}

/** The options of URLs and configuration files. A ready-made client is passed in code. */
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
  throw new Error('must be an object, such as the contents of a key file')
}

function readClient(value: unknown): Storage {
  if (typeof value === 'object' && value !== null && 'authClient' in value && 'apiEndpoint' in value)
    return value as Storage
  throw new Error('must be a Storage of @google-cloud/storage')
}
