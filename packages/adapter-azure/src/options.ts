import type {
  AnonymousCredential,
  BlobServiceClient,
  ContainerClient,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
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

/** Returns tokens of Microsoft Entra ID. */
export type TokenCredential = Exclude<
  BlobServiceClient['credential'],
  StorageSharedKeyCredential | AnonymousCredential
>

/**
 * How to reach a container and how to store objects in it. Give at most one of `client`, `connectionString`,
 * `accountKey`, `sasToken`, `credential` and `anonymous`. Default: AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY
 * or AZURE_STORAGE_SAS_TOKEN of the environment, else the login that `DefaultAzureCredential` of `@azure/identity`
 * finds.
 */
export interface AzureOptions extends ObjectStoreOptions {
  /**
   * The endpoint of the blob service of a sovereign cloud, such as `https://account.blob.core.chinacloudapi.cn`, or of
   * an emulator, with the account in its path. Default: `https://<account>.blob.core.windows.net`.
   */
  readonly endpoint?: string | undefined
  /** A ready-made client of the account or the container. Its own address applies, so `endpoint` is ignored. */
  readonly client?: BlobServiceClient | ContainerClient | undefined
  readonly connectionString?: string | undefined
  readonly accountKey?: string | undefined
  /** A shared access signature, with the permissions to read, add, create, write, delete and list. */
  readonly sasToken?: string | undefined
  /** A credential, such as one of `@azure/identity`. */
  readonly credential?: TokenCredential | undefined
  /** Whether to send no credentials. This is sufficient to restore from a public container. */
  readonly anonymous?: boolean | undefined
  /**
   * The access tier of objects with payload. The small documents of the store stay in the default tier of the account.
   */
  readonly accessTier?: AccessTier | undefined
  /** The name of an encryption scope of the account. */
  readonly encryptionScope?: string | undefined
  /** A customer-provided encryption key: 32 bytes in base64. Reading the objects requires the same key. */
  readonly customerKey?: string | undefined
  /** The size of a block, at most 4000 MiB. Objects of up to one block are sent in one request. Default: 8 MiB. */
  readonly blockSize?: Size | undefined
  /** How many blocks of one object are sent at once. Default: 4. */
  readonly parallel?: number | undefined
}

const accessTiers = ['Hot', 'Cool', 'Cold'] as const
/** The tiers that can be read at once. A checkpoint in the archive tier must be rehydrated before a restore. */
export type AccessTier = (typeof accessTiers)[number]

const defaultBlockBytes = 8 * 2 ** 20
export const defaultParallel = 4

/** The largest block in bytes: https://learn.microsoft.com/en-us/azure/storage/blobs/scalability-targets. */
export const maxBlockBytes = 4000 * 2 ** 20

/** Returns the size of a block in bytes. Throws `CONFIG` if Azure does not allow it. */
export function blockBytesOf({ blockSize = defaultBlockBytes }: AzureOptions): number {
  const bytes = parseSize(blockSize)
  if (bytes >= 1 && bytes <= maxBlockBytes) return bytes
  throw new HoldfastError(
    'CONFIG',
    `blockSize must be from 1 byte to 4000 MiB, the maximum of Azure, and is ${bytes} bytes.`,
  )
}

declare module '@holdfast/core/backend' {
  interface BackendOptionsByScheme {
    readonly az: Omit<AzureOptions, keyof BackendHooks>
  }
}

/** The options of URLs and configuration files. A ready-made client or credential is passed in code. */
export const optionShape = {
  endpoint: { read: optionReaders.endpoint, inUrl: true },
  client: { read: readClient, inUrl: false },
  connectionString: { read: optionReaders.text, inUrl: false },
  accountKey: { read: optionReaders.text, inUrl: false },
  sasToken: { read: optionReaders.text, inUrl: false },
  credential: { read: readCredential, inUrl: false },
  anonymous: { read: optionReaders.flag, inUrl: true },
  accessTier: { read: optionReaders.oneOf(...accessTiers), inUrl: true },
  encryptionScope: { read: optionReaders.text, inUrl: true },
  customerKey: { read: optionReaders.text, inUrl: false },
  blockSize: { read: optionReaders.size, inUrl: true },
  parallel: { read: optionReaders.count, inUrl: true },
  ...objectStoreOptions,
} as const satisfies Readonly<Record<string, AdapterOption<unknown>>>

function readClient(value: unknown): BlobServiceClient | ContainerClient {
  if (typeof value === 'object' && value !== null) {
    if ('getBlockBlobClient' in value) return value as ContainerClient
    if ('getContainerClient' in value) return value as BlobServiceClient
  }
  throw new Error('must be a BlobServiceClient or a ContainerClient of @azure/storage-blob')
}

function readCredential(value: unknown): TokenCredential {
  if (typeof value === 'object' && value !== null && 'getToken' in value) return value as TokenCredential
  throw new Error('must be a TokenCredential, such as one of @azure/identity')
}
