import type { DirectRequest } from './receiver.ts'
import type { ResponseHead } from './response-head.ts'

/** A request with a body that an SDK has prepared and signed. */
export interface UploadRequest extends DirectRequest {
  readonly method: string
  /** If the bytes are in shared memory, another thread sends them without a copy. */
  readonly body: Uint8Array
}

/** A response with its whole body. */
export interface WholeResponse extends ResponseHead {
  readonly body: Uint8Array
}

/** Sends requests with large bodies over connections of its own. */
export interface Sender {
  /**
   * Sends a request once, and resolves to its response, whatever the status is. Rejects with the error of the connection, with
   * `UNAVAILABLE` if the response is too large, and with an `AbortError` if the signal fires. When the promise settles, nothing
   * uses the body any more.
   */
  send(request: UploadRequest, signal: AbortSignal | undefined): Promise<WholeResponse>
  /** Ends all connections. */
  destroy(): void
}
