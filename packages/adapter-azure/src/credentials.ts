import type * as Identity from '@azure/identity'
import { AnonymousCredential, BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob'
import { HoldfastError, messageOf, onlyOneOf, refusePlanted } from '@holdfast/core/backend'
import type { AzureOptions, TokenCredential } from './options.ts'

/** The URL of the account and the credentials. The URL may contain a signature and must not be printed. */
export interface AccountAccess {
  readonly url: string
  readonly credential: StorageSharedKeyCredential | AnonymousCredential | TokenCredential
}

/** The options that state how to reach an account. */
export const ways = [
  'client',
  'connectionString',
  'accountKey',
  'sasToken',
  'credential',
  'anonymous',
] as const

/** Returns the access by the options, else by the environment. Throws `CONFIG` for invalid values. Sends no request. */
export function accessOf(
  account: string,
  options: AzureOptions,
  environment: Readonly<Record<string, string | undefined>>,
): AccountAccess {
  const { endpoint = `https://${account}.blob.core.windows.net` } = options
  const given = onlyOneOf(options, ways)
  const { connectionString, accountKey, sasToken, credential, anonymous } =
    given.length === 0 ? fromEnvironment(environment) : options
  if (connectionString !== undefined) {
    if (options.endpoint !== undefined) {
      throw new HoldfastError(
        'CONFIG',
        'Pass an endpoint or a connection string, not both. A connection string contains the endpoint.',
      )
    }
    return ofConnectionString(account, connectionString)
  }
  if (accountKey !== undefined)
    return { url: endpoint, credential: new StorageSharedKeyCredential(account, accountKey) }
  if (sasToken !== undefined)
    return { url: `${endpoint}?${sasToken.replace(/^\?/, '')}`, credential: new AnonymousCredential() }
  if (anonymous === true) return { url: endpoint, credential: new AnonymousCredential() }
  if (new URL(endpoint).protocol === 'http:') {
    throw new HoldfastError(
      'CONFIG',
      `A login with Microsoft Entra ID requires https, but the endpoint is ${endpoint}. Pass a key or an https endpoint.`,
    )
  }
  return { url: endpoint, credential: credential ?? defaultCredential() }
}

/** Throws `CONFIG` if credentials or a client belong to another account than the URL. */
export function assertAccount(account: string, found: string, what: string): void {
  // A custom domain does not contain the name of the account.
  if (found === '' || found === account) return
  throw new HoldfastError(
    'CONFIG',
    `${what} belongs to the account ${found}, but the URL names ${account}. Correct one of them.`,
  )
}

/** Returns a variable of the environment. An empty variable counts as not set. */
function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): AzureOptions {
  const connectionString = environment['AZURE_STORAGE_CONNECTION_STRING'] ?? ''
  const accountKey = environment['AZURE_STORAGE_KEY'] ?? ''
  const sasToken = environment['AZURE_STORAGE_SAS_TOKEN'] ?? ''
  if (connectionString !== '') return { connectionString }
  if (accountKey !== '') return { accountKey }
  return sasToken === '' ? {} : { sasToken }
}

function ofConnectionString(account: string, connectionString: string): AccountAccess {
  let parsed: BlobServiceClient
  try {
    parsed = BlobServiceClient.fromConnectionString(connectionString)
  } catch (error) {
    throw new HoldfastError(
      'CONFIG',
      `The connection string is invalid. Copy it again from the portal. (${messageOf(error)})`,
    )
  }
  assertAccount(account, parsed.accountName, 'The connection string')
  return { url: parsed.url, credential: parsed.credential }
}

/** Loads `@azure/identity` at the first request, since only this login requires the package. */
function defaultCredential(): TokenCredential {
  let found: Promise<TokenCredential> | undefined
  return {
    async getToken(scopes, options) {
      found ??= loadDefaultCredential()
      return (await found).getToken(scopes, options)
    },
  }
}

async function loadDefaultCredential(): Promise<TokenCredential> {
  let identity: typeof Identity
  refusePlanted('@azure/identity', import.meta.url)
  try {
    identity = await import('@azure/identity')
  } catch (error) {
    throw new HoldfastError(
      'CONFIG',
      'No credentials were passed, and a login with Microsoft Entra ID requires @azure/identity. Run: npm install @azure/identity',
      { cause: error },
    )
  }
  return new identity.DefaultAzureCredential()
}
