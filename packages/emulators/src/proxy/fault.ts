import type { IncomingHttpHeaders } from 'node:http'
import type { Operation } from './operation.ts'

/** What can go wrong with one request on its way to a store, or with the answer on its way back. */
export type Fault =
  /** The server carries the request out and answers; the connection is closed before the client hears of it. */
  | { readonly kind: 'drop-answer' }
  /**
   * The connection is lost after this many bytes of the body have reached the server; of a shorter body at least
   * the last byte is kept back. Half of the announced length when not given. A request without a body is reset.
   */
  | { readonly kind: 'cut-request'; readonly afterBytes?: number }
  /**
   * The server carries the request out; the client gets this many bytes of the body, and then the connection is
   * lost. Half of the announced length when not given. An answer that is too short for that is dropped.
   */
  | { readonly kind: 'cut-answer'; readonly afterBytes?: number }
  /** The server carries the request out; one bit in the middle of the body flips on its way to the client. */
  | { readonly kind: 'flip-answer' }
  /** An error that the store gives without carrying anything out, in the store's own form. */
  | {
      readonly kind: 'status'
      readonly status: 409 | 429 | 500 | 503
      /** The store's own code; the usual one of the status when not given, such as `SlowDown` for 503 on S3. */
      readonly code?: string
    }
  /**
   * 200, and an error in the body: how S3 answers a CompleteMultipartUpload or a CopyObject that fails after it
   * began to answer (Amazon S3 API Reference, "CompleteMultipartUpload"). The server is not reached.
   */
  | { readonly kind: 'error-in-200'; readonly code?: string }
  /**
   * An HTML page that no store sent, as a captive portal or a web proxy gives. The server is not reached. 200 when no
   * status is given. `headers` are sent beside `Content-Type: text/html`: a forged `ETag`, for example.
   */
  | {
      readonly kind: 'html-page'
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
    }
  /** The client gets the head of the answer, and of the body one byte in this time. */
  | { readonly kind: 'drip-answer'; readonly milliseconds: number }
  /** The client gets the head of the answer, half of the body, and then spaces without end. */
  | { readonly kind: 'endless-answer' }
  /** The client gets this many bytes of the body as if that were all of it. Half of it when not given. */
  | { readonly kind: 'truncated-answer'; readonly afterBytes?: number }
  /** A list without objects. The server is not reached. */
  | { readonly kind: 'empty-list' }
  /** A list without objects that always names the same page as the next one. The server is not reached. */
  | { readonly kind: 'repeated-token' }
  /** The objects of a list in the opposite order. */
  | { readonly kind: 'reversed-list' }
  /** The request waits before it is forwarded. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection is reset before anything is forwarded. */
  | { readonly kind: 'reset' }

export type FaultKind = Fault['kind']

/** A request as a plan sees it: its head only. */
export interface ProxiedRequest {
  /** 0 for the first request of the proxy's life, and one more for each that follows. */
  readonly index: number
  readonly method: string
  /** As it was sent, still percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** What the store's documentation calls it, such as `PutObject` or `objects.insert`. */
  readonly operation: Operation
}

/** Decides what happens to each request; nothing when it says nothing. Called in the order of `index`. */
export type FaultPlan = (request: ProxiedRequest) => Fault | undefined
