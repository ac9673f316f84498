import { orAborted } from '@holdfast/core/backend'
import type { TokenCredential } from './options.ts'

/** The scope of tokens for Azure Storage: https://learn.microsoft.com/en-us/azure/storage/blobs/authorize-access-azure-active-directory. */
export const storageScope = 'https://storage.azure.com/.default'

/** Milliseconds before its end in which a token is replaced. The SDK replaces its own token 2 minutes before its end. */
const replacedBefore = 5 * 60_000

/** Milliseconds. A token with less time left may expire before the store reads it. */
const leastValidity = 30_000

type Token = Awaited<ReturnType<TokenCredential['getToken']>>

/**
 * Returns a credential that remembers its token for Azure Storage, and asks for it once at a time. The credential of the Azure
 * CLI starts a process for each token and remembers none
 * (https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/identity/identity/src/credentials/azureCliCredential.ts). While a
 * token is valid, it is used even if its replacement fails. `now` returns a time in milliseconds.
 */
export function rememberingToken(credential: TokenCredential, now: () => number = Date.now): TokenCredential {
  let known: Token = null
  let underWay: Promise<Token> | undefined

  const lasts = (milliseconds: number): boolean =>
    known !== null && known.expiresOnTimestamp - now() > milliseconds
  const isDue = (): boolean => !lasts(replacedBefore) || (known?.refreshAfterTimestamp ?? Infinity) <= now()
  const replace = async (): Promise<Token> => {
    try {
      known = await credential.getToken(storageScope)
    } catch (error) {
      if (!lasts(leastValidity)) throw error
    } finally {
      underWay = undefined
    }
    return known
  }

  return {
    async getToken(scopes, options = {}) {
      // The store asks for another token.
      const isOther = options.claims !== undefined || options.tenantId !== undefined
      if (isOther || [scopes].flat().join(' ') !== storageScope) return credential.getToken(scopes, options)
      if (!isDue()) return known
      underWay ??= replace()
      underWay.catch(() => undefined) // the callers get the error, unless all of them have left
      const { abortSignal: signal } = options
      return orAborted(underWay, signal instanceof AbortSignal ? signal : undefined, 'The login')
    },
  }
}
