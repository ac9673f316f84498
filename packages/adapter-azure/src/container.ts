import type { BlockBlobClient, ContainerClient, CpkInfo } from '@azure/storage-blob'
import {
  foreignAnswer,
  type ObjectStore,
  type RequestInfo,
  type Stored,
  unquotedEtag,
  withoutUndefined,
} from '@holdfast/core/backend'
import { type Md5Response, storeDigestOf } from './checksum.ts'
import type { DirectReads } from './direct.ts'
import type { AccessTier } from './options.ts'

/** The settings that all requests to a container share. */
export interface Container extends ObjectStore {
  readonly client: ContainerClient
  /** Opens a connection for each request, unless the client is ready-made. */
  readonly unpooled: ContainerClient
  /** Sends blocks from other threads. `undefined` with one thread, and for a ready-made client. */
  readonly threaded: ContainerClient | undefined
  /** Reads the bytes of large objects. A ready-made client reads them itself. */
  readonly direct: DirectReads | undefined
  /** Closes the connections, unless the client is ready-made. */
  readonly closeClient: () => void
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

/** Returns the blob for a request that sends these bytes. Other threads can send only bytes in shared memory. */
export function blobToSend(container: Container, key: string, bytes: Uint8Array): BlockBlobClient {
  const { client, threaded, names } = container
  const isShared = bytes.buffer instanceof SharedArrayBuffer
  return ((isShared ? threaded : undefined) ?? client).getBlockBlobClient(names.object(key))
}

/** Returns the options of a request that reads: the key to decrypt with, and the signal. */
export function readingOf(
  { customerKey }: Container,
  signal?: AbortSignal,
): { readonly customerProvidedKey?: CpkInfo; readonly abortSignal?: AbortSignal } {
  return withoutUndefined({ customerProvidedKey: customerKey, abortSignal: signal })
}

/** Returns the options that state how the store encrypts an object. */
export function encryptionOf({ encryptionScope, customerKey }: Container): {
  readonly encryptionScope?: string
  readonly customerProvidedKey?: CpkInfo
} {
  return withoutUndefined({ encryptionScope, customerProvidedKey: customerKey })
}

/** Returns the options of the request that makes an object with payload visible. */
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
 * The metadata that state how a blob was stored. An upload in blocks has a token, which identifies it if the response
 * to its block list was lost. A blob that was sent in one request has another mark.
 */
export const uploadName = 'holdfastupload'
export const inOneRequest = { [uploadName]: 'whole' }

/**
 * Reads the response to a request that stored an object. Throws if it has no ETag, which Azure always sends:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob.
 */
export function storedAs(
  info: RequestInfo,
  answer: Md5Response & { readonly etag?: string | undefined; readonly lastModified?: Date | undefined },
  origin: 'store' | 'writer',
): Stored {
  const revision = unquotedEtag(answer.etag)
  if (revision === '') throw foreignAnswer(info, 'it has no ETag')
  return { revision, storeDigest: storeDigestOf(answer, origin), storedAt: answer.lastModified }
}

/**
 * Returns the response if Azure sent it. Every response of Azure has `x-ms-request-id`:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/put-blob.
 */
export function fromStore<Answer extends { readonly requestId?: string }>(
  info: RequestInfo,
  answer: Answer,
): Answer {
  if (answer.requestId === undefined) throw foreignAnswer(info, 'it has no x-ms-request-id')
  return answer
}

/** Converts the TypeError or RangeError that the SDK throws for a response that is not one of Azure. */
export async function orForeign<Answer>(info: RequestInfo, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError)
      throw foreignAnswer(info, `the SDK cannot read it (${error.message})`)
    throw error
  }
}

/** Returns the options by which a signal stops a request. */
export function stoppedBy(signal: AbortSignal | undefined): { readonly abortSignal?: AbortSignal } {
  return withoutUndefined({ abortSignal: signal })
}

/**
 * Returns whether a blob is a folder. Accounts with a hierarchical namespace list an empty blob for each folder, and
 * some tools create such blobs in other accounts. Both mark it with this metadata (fsspec/adlfs, "Add support for
 * hdi_isfolder metadata").
 */
export function isFolder(metadata: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(metadata).some(
    ([name, value]) => name.toLowerCase() === 'hdi_isfolder' && value === 'true',
  )
}
