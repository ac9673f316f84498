import { HoldfastError, lostUpload, requestWithRetry } from '@holdfast/core/backend'
import { ask, type Bucket, type GcsObject, parseObject } from './bucket.ts'
import { hasStatus } from './errors.ts'
import { bodyOf, type HttpBody } from './send.ts'
import { bytesHeld, discarded, incomplete, type OpenSession } from './session.ts'

/** The state of an upload: the number of bytes that the store holds, or the finished object. */
export type Progress = { readonly held: number } | { readonly object: GcsObject }

/** A request that continues a session. */
export interface Continuation {
  /** The value of `content-range` after `bytes`. */
  readonly range: string
  readonly body: HttpBody
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal | undefined
}

/** The session of an upload, and what the store has said about it. */
export class UploadSession {
  /** The bytes that an earlier put has stored. */
  readonly heldBefore: number
  readonly #bucket: Bucket
  readonly #key: string
  readonly #open: OpenSession
  #held: number
  #isSure = true

  constructor(bucket: Bucket, key: string, open: OpenSession) {
    this.heldBefore = open.heldBefore
    this.#bucket = bucket
    this.#key = key
    this.#open = open
    this.#held = open.heldBefore
  }

  /** The bytes that the store reported to hold. */
  get held(): number {
    return this.#held
  }

  /** False after a request without a response: the store may hold more. */
  get isSure(): boolean {
    return this.#isSure
  }

  /** Asks how far the upload is. */
  async look(signal: AbortSignal | undefined): Promise<Progress> {
    return this.continueWith({ range: '*/*', body: bodyOf(), signal })
  }

  /** Sends one request that continues the upload. */
  async continueWith({ range, body, headers, signal }: Continuation): Promise<Progress> {
    this.#isSure = false
    const request = ask(this.#bucket, {
      method: 'PUT',
      url: this.#open.session,
      headers: { ...headers, 'content-range': `bytes ${range}` },
      body,
      hasLargeBody: true,
      alsoFine: [incomplete],
      signal,
    })
    const answer = await request.catch((error: unknown) => this.#fail(error))
    if (answer.status !== incomplete) return { object: parseObject(answer.data) }
    this.#held = bytesHeld(answer.headers)
    this.#isSure = true
    return { held: this.#held }
  }

  /** Discards the upload on the store. */
  async cancel(): Promise<void> {
    const info = { what: `Discarding the upload of ${this.#key}`, key: this.#key }
    await requestWithRetry(this.#bucket, info, () =>
      ask(this.#bucket, { method: 'DELETE', url: this.#open.session, body: bodyOf(), alsoFine: discarded }),
    )
  }

  /** Lets no later put continue the session. */
  async forget(): Promise<void> {
    await this.#open.file?.forget()
  }

  /** Lets a later put continue the session. */
  async leave(): Promise<void> {
    await this.#open.file?.leave(this.#open.session)
  }

  /** An error that no retry of the same upload can solve, but a new upload can. */
  lost(message: string, cause?: unknown): HoldfastError {
    const { url } = this.#bucket.names
    return lostUpload(
      new HoldfastError('UNAVAILABLE', message, { key: this.#key, url, cause, retryable: false }),
    )
  }

  async #fail(error: unknown): Promise<never> {
    const isGone = hasStatus(error, 404) || hasStatus(error, 410)
    // With the last bytes, the store compares the checksum of the whole object.
    const isOther = this.heldBefore > 0 && hasStatus(error, 400)
    if (!isGone && !isOther) throw error
    const cause = this.#bucket.errorOf(error, { what: `Writing ${this.#key}`, key: this.#key })
    await this.forget()
    if (isGone)
      throw this.lost(
        `The store discarded the upload of ${this.#key}, as it does after a week. Put the object again.`,
        cause,
      )
    // What the store does with the upload after that is not documented.
    await this.cancel().catch(() => undefined)
    throw this.lost(
      `An earlier put left other bytes of ${this.#key} than those of the source, so they were discarded. Put the object again.`,
      cause,
    )
  }
}
