import { HoldfastError, orAborted } from '@holdfast/core/backend'
import type { TokenCredential } from './options.ts'

/** The scope of tokens for Azure Storage: https://learn.microsoft.com/en-us/azure/storage/blobs/authorize-access-azure-active-directory. */
export const storageScope = 'https://storage.azure.com/.default'

/** Milliseconds before its end in which a token is replaced. The SDK replaces its own token 2 minutes before its end. */
const replacedBefore = 5 * 60_000

/** Milliseconds. A token with less time left may expire before the store reads it. */
const leastValidity = 30_000

/** Milliseconds between two logins while the first one failed and the token is still valid. */
const triedAgainAfter = 30_000

/**
 * Milliseconds after which a login counts as failed. The credential of the Azure CLI has no limit of its own, and a login in a
 * browser takes a person some minutes.
 */
const longestLogin = 5 * 60_000

type Token = Awaited<ReturnType<TokenCredential['getToken']>>

/**
 * Returns a credential that remembers its token for Azure Storage, and asks for it once at a time. The credential of the Azure
 * CLI starts a process for each token and remembers none
 * (https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/identity/identity/src/credentials/azureCliCredential.ts). While a
 * token is valid, it is used without waiting for its replacement. `now` returns a time in milliseconds, and `limit` is the longest
 * time of a login.
 */
export function rememberingToken(
  credential: TokenCredential,
  now: () => number = Date.now,
  limit = longestLogin,
): TokenCredential {
  let known: Token = null
  let underWay: Promise<Token> | undefined
  let triedAgainAt = -Infinity

  const lasts = (milliseconds: number): boolean =>
    known !== null && known.expiresOnTimestamp - now() > milliseconds
  const isDue = (): boolean =>
    (!lasts(replacedBefore) || (known?.refreshAfterTimestamp ?? Infinity) <= now()) &&
    (!lasts(leastValidity) || triedAgainAt <= now())
  const replace = async (): Promise<Token> => {
    try {
      known = await login(credential, limit)
      return known
    } catch (error) {
      triedAgainAt = now() + triedAgainAfter
      throw error
    } finally {
      underWay = undefined
    }
  }

  return {
    async getToken(scopes, options = {}) {
      // The store asks for another token.
      const isOther = options.claims !== undefined || options.tenantId !== undefined
      if (isOther || [scopes].flat().join(' ') !== storageScope) return credential.getToken(scopes, options)
      if (!isDue()) return known
      underWay ??= replace()
      underWay.catch(() => undefined) // the callers get the error, unless all of them have left
      if (lasts(leastValidity)) return known
      const { abortSignal: signal } = options
      return orAborted(underWay, signal instanceof AbortSignal ? signal : undefined, 'The login')
    },
  }
}

/** Logs in. Rejects with `UNAVAILABLE` if the login does not end in time, also if it ignores the signal. */
async function login(credential: TokenCredential, limit: number): Promise<Token> {
  const late = AbortSignal.timeout(limit)
  try {
    return await orAborted(credential.getToken(storageScope, { abortSignal: late }), late, 'The login')
  } catch (error) {
    if (!late.aborted) throw error
    throw new HoldfastError(
      'UNAVAILABLE',
      `The login at Microsoft Entra ID did not end within ${limit / 1000} seconds. Check whether "az account get-access-token" responds.`,
      { cause: error, retryable: false },
    )
  }
}
