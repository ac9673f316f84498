import type { Storage } from '@google-cloud/storage'

/** Milliseconds. If the store rejects the token of a login within this time, another login would not help. */
const betweenLogins = 60_000

/** The end of a token that the client must not use any more. Milliseconds since 1970. */
const ended = 1

/** The error of a request whose token the store rejected, if the next request has another one. */
export class TokenReplaced extends Error {
  /** The status of the response. */
  readonly status = 401

  constructor(cause: unknown) {
    super('The store rejected a token that seemed valid', { cause })
  }
}

/**
 * Lets a client log in again if the store rejects a token whose time is not over by the clock of this machine. The clock may have
 * been set back, or the token was revoked. By itself, the client then keeps the token, and sends no request with a body again:
 * https://github.com/googleapis/google-cloud-node-core/blob/main/packages/google-auth-library-nodejs/src/auth/oauth2client.ts.
 */
export class Logins {
  readonly #auth: Storage['authClient']
  readonly #now: () => number
  #renewedAt = -Infinity

  /** `now` returns milliseconds that never go back. */
  constructor(auth: Storage['authClient'], now: () => number = () => performance.now()) {
    this.#auth = auth
    this.#now = now
  }

  /** Takes the header of a request that was rejected. Returns whether the next request has another token. */
  async renew(authorization: string | null): Promise<boolean> {
    if (authorization === null) return false
    const client = await this.#auth.getClient()
    const { credentials } = client
    const { access_token: token, expiry_date: end } = credentials
    if (token === null || token === undefined) return false
    // Requests that are sent together are rejected together.
    if (end === ended || !authorization.endsWith(` ${token}`)) return true
    if (this.#now() - this.#renewedAt < betweenLogins) return false
    this.#renewedAt = this.#now()
    client.setCredentials({ ...credentials, expiry_date: ended })
    return true
  }
}
