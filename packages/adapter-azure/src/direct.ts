import {
  BlobSASPermissions,
  type BlockBlobClient,
  type CpkInfo,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { withoutUndefined } from '@holdfast/core/backend'
import { directRequest, type DirectResponse, type DirectTransfers } from '@holdfast/core/connections'
import type { AccountAccess } from './credentials.ts'
import { storageScope } from './remembered-token.ts'

/** The version of the API: https://learn.microsoft.com/en-us/rest/api/storageservices/versioning-for-the-azure-storage-services. */
const apiVersion = '2021-12-02'

/** Milliseconds for which a signature is valid. It starts earlier, because clocks differ. */
const validFor = 60 * 60 * 1000
const clockSkew = 15 * 60 * 1000

/** Reads blobs over connections for large bodies, with the credentials of an account. */
export class DirectReads {
  readonly #transfers: DirectTransfers
  readonly #credential: AccountAccess['credential']

  constructor(transfers: DirectTransfers, credential: AccountAccess['credential']) {
    this.#transfers = transfers
    this.#credential = credential
  }

  get threads(): number {
    return this.#transfers.threads
  }

  /** Requests a blob once, as `DirectTransfers.receiver`. Resolves to `undefined` if the SDK must send the request. */
  async get(
    blob: BlockBlobClient,
    headers: Readonly<Record<string, string>>,
    inThread: boolean,
    signal: AbortSignal | undefined,
  ): Promise<DirectResponse | undefined> {
    const url = new URL(await this.#urlOf(blob))
    const authorization = await this.#authorization(signal)
    if (authorization === undefined) return undefined
    const request = directRequest(url, { 'x-ms-version': apiVersion, ...headers, ...authorization })
    return request && this.#transfers.receiver(inThread).get(request, signal)
  }

  /** A client with a key signs the URL. The URL of a client with a SAS has its signature already. */
  async #urlOf(blob: BlockBlobClient): Promise<string> {
    if (!(this.#credential instanceof StorageSharedKeyCredential)) return blob.url
    return blob.generateSasUrl({
      permissions: BlobSASPermissions.parse('r'),
      startsOn: new Date(Date.now() - clockSkew),
      expiresOn: new Date(Date.now() + validFor),
    })
  }

  /** Returns the header with the token, if the credential has tokens; `undefined` if it has none now. */
  async #authorization(
    signal: AbortSignal | undefined,
  ): Promise<Readonly<Record<string, string>> | undefined> {
    if (!('getToken' in this.#credential)) return {}
    try {
      const found = await this.#credential.getToken(
        storageScope,
        signal === undefined ? {} : { abortSignal: signal },
      )
      return found === null ? undefined : { authorization: `Bearer ${found.token}` }
    } catch {
      // The SDK may still have a token. If not, it rejects with the reason.
      return undefined
    }
  }
}

/** Returns the headers that name the key to decrypt with: https://learn.microsoft.com/en-us/azure/storage/blobs/encryption-customer-provided-keys. */
export function keyHeaders(key: CpkInfo | undefined): Readonly<Record<string, string>> {
  return withoutUndefined({
    'x-ms-encryption-key': key?.encryptionKey,
    'x-ms-encryption-key-sha256': key?.encryptionKeySha256,
    'x-ms-encryption-algorithm': key?.encryptionAlgorithm,
  })
}
