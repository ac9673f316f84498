import type { IncomingHttpHeaders } from 'node:http'
import type { Operation } from './operation.ts'

/** A fault of one request to a store, or of the response to it. */
export type Fault =
  /** The server executes the request and responds, but the connection to the client is closed before the response. */
  | { readonly kind: 'drop-answer' }
  /**
   * The connection is lost after this many bytes of the body have reached the server. If the body is shorter, its last
   * byte is not forwarded. A request without a body is reset. Default: half of the announced length.
   */
  | { readonly kind: 'cut-request'; readonly afterBytes?: number }
  /**
   * The server executes the request. The client gets this many bytes of the body, and then the connection is lost. A
   * response that is not longer than that is dropped. Default: half of the announced length.
   */
  | { readonly kind: 'cut-answer'; readonly afterBytes?: number }
  /** The server executes the request. One bit in the middle of the response body is flipped. */
  | { readonly kind: 'flip-answer' }
  /** The client gets an error in the form of the store. The server does not get the request. */
  | {
      readonly kind: 'status'
      readonly status: 409 | 429 | 500 | 503
      /** The error code. Default: the store's usual code for the status, such as `SlowDown` for 503 on S3. */
      readonly code?: string
    }
  /**
   * The client gets status 200 with an error in the body. S3 sends such a response if CompleteMultipartUpload or
   * CopyObject fails after the response has started:
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html. The server does not get the
   * request.
   */
  | { readonly kind: 'error-in-200'; readonly code?: string }
  /**
   * The client gets an HTML page, as from a captive portal or a web proxy. The server does not get the request. The
   * default status is 200. `headers` are additional headers, such as a forged `ETag`.
   */
  | {
      readonly kind: 'html-page'
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
    }
  /** The client gets the head of the response, and then one byte of the body per this number of milliseconds. */
  | { readonly kind: 'drip-answer'; readonly milliseconds: number }
  /** The client gets the head of the response, half of the body, and then spaces without end. */
  | { readonly kind: 'endless-answer' }
  /** The client gets only this many bytes of the body, with a matching length. Default: half of the body. */
  | { readonly kind: 'truncated-answer'; readonly afterBytes?: number }
  /** The client gets a list without objects. The server does not get the request. */
  | { readonly kind: 'empty-list' }
  /** The client gets a list without objects whose next page is always the same. The server does not get the request. */
  | { readonly kind: 'repeated-token' }
  /** The client gets the objects of a list in reverse order. */
  | { readonly kind: 'reversed-list' }
  /** The request is forwarded after a delay. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The connection is reset. The server does not get the request. */
  | { readonly kind: 'reset' }

export type FaultKind = Fault['kind']

/** The head of a request. A plan decides by it. */
export interface ProxiedRequest {
  /** The number of earlier requests to this proxy. The first request has index 0. */
  readonly index: number
  readonly method: string
  /** The path without the query, percent-encoded as it was sent. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The name of the operation in the documentation of the store, such as `PutObject` or `objects.insert`. */
  readonly operation: Operation
}

/** Returns the fault of each request, or `undefined` for none. Called in the order of `index`. */
export type FaultPlan = (request: ProxiedRequest) => Fault | undefined
