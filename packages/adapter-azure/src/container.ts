import type { BlockBlobClient, ContainerClient, CpkInfo } from '@azure/storage-blob'
import {
  foreignAnswer,
  type ObjectStore,
  type RequestInfo,
  type Stored,
  unquotedEtag,
  withoutUndefined,
} from '@holdfast/core/backend'
import { type ToldMd5, storeDigestOf } from './checksum.ts'
import type { AccessTier } from './options.ts'

/** What every request to this store has in common. */
export interface Container extends ObjectStore {
  readonly client: ContainerClient
  /** Opens a connection for each request, unless the client is ready-made. */
  readonly unpooled: ContainerClient
  /** Releases its connections, unless it is the caller's. */
  readonly closeClient: () => void
  /** Whether the client makes requests again by itself, as a ready-made one may. */
  readonly clientRetries: boolean
  readonly accessTier: AccessTier | undefined
  readonly encryptionScope: string | undefined
  readonly customerKey: CpkInfo | undefined
}

export function blobOf(
  { client, unpooled, names }: Container,
  key: string,
  newConnection = false,
): BlockBlobClient {
  return (newConnection ? unpooled : client).getBlockBlobClient(names.object(key))
}

/** The options of a request that reads: how the store is to decrypt, and what stops it. */
export function readingOf(
  { customerKey }: Container,
  signal?: AbortSignal,
): { readonly customerProvidedKey?: CpkInfo; readonly abortSignal?: AbortSignal } {
  return withoutUndefined({ customerProvidedKey: customerKey, abortSignal: signal })
}

/** How the store is to encrypt what it is given. */
export function encryptionOf({ encryptionScope, customerKey }: Container): {
  readonly encryptionScope?: string
  readonly customerProvidedKey?: CpkInfo
} {
  return withoutUndefined({ encryptionScope, customerProvidedKey: customerKey })
}

/** The options of the request that makes an object with payload visible. */
export function payloadOf(container: Container, contentType: string | undefined, md5?: Uint8Array): Payload {
  return {
    ...encryptionOf(container),
    ...withoutUndefined({ tier: container.accessTier }),
    blobHTTPHeaders: withoutUndefined({ blobContentType: contentType, blobContentMD5: md5 }),
  }
}

type Payload = ReturnType<typeof encryptionOf> & {
  readonly tier?: AccessTier
  readonly blobHTTPHeaders: { readonly blobContentType?: string; readonly blobContentMD5?: Uint8Array }
}

/**
 * Metadata that tell how a blob was stored: a token of the upload in blocks, by which that is known again when the
 * answer to its block list was lost, or that it came whole in one request.
 */
export const uploadName = 'holdfastupload'
export const inOneRequest = { [uploadName]: 'whole' }

/** What the answer to a request that stored something says of it. Rejects one without an ETag, which Azure always gives. */
export function storedAs(
  asked: RequestInfo,
  answer: ToldMd5 & { readonly etag?: string | undefined; readonly lastModified?: Date | undefined },
  origin: 'store' | 'writer',
): Stored {
  const revision = unquotedEtag(answer.etag)
  if (revision === '') throw foreignAnswer(asked, 'it has no ETag')
  return { revision, storeDigest: storeDigestOf(answer, origin), storedAt: answer.lastModified }
}

/** The answer, if it is one of Azure: that names each of its answers (Blob service REST API, "x-ms-request-id"). */
export function fromStore<Answer extends { readonly requestId?: string }>(
  asked: RequestInfo,
  answer: Answer,
): Answer {
  if (answer.requestId === undefined) throw foreignAnswer(asked, 'it has no x-ms-request-id')
  return answer
}

/** The SDK does not expect another answer than one of Azure, and stumbles over what it does not find there. */
export async function orForeign<Answer>(asked: RequestInfo, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError)
      throw foreignAnswer(asked, `the SDK cannot read it (${error.message})`)
    throw error
  }
}

/** The options by which the SDK stops a request. */
export function stoppedBy(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return withoutUndefined({ abortSignal: signal })
}

/**
 * Whether it is a folder and no object. Accounts with a hierarchical namespace list an empty blob for each folder, and
 * tools that imitate one make it; both mark it so (fsspec/adlfs, "Add support for hdi_isfolder metadata").
 */
export function isFolder(metadata: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(metadata).some(
    ([name, value]) => name.toLowerCase() === 'hdi_isfolder' && value === 'true',
  )
}
