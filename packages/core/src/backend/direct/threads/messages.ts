import { HoldfastError, isHoldfastError, messageOf } from '../../../errors.ts'
import { nodeErrorCode } from '../../../node-errors.ts'
import type { Variables } from '../../proxies/proxy-for.ts'
import type { DirectRequest } from '../receiver.ts'
import type { ResponseHead } from '../response-head.ts'
import type { UploadRequest, WholeResponse } from '../sender.ts'

/** What a transfer thread knows from its start. */
export interface ThreadSettings {
  /** The environment, whose proxies apply. */
  readonly variables: Variables
  /** The certificate authorities to trust. `undefined`: those of Node.js. */
  readonly authorities: readonly string[] | undefined
}

/** An order of the main thread to a transfer thread. `number` identifies the request. */
export type Order =
  | { readonly kind: 'get'; readonly number: number; readonly request: DirectRequest }
  | {
      readonly kind: 'receive'
      readonly number: number
      /** Buffers in shared memory that hold the whole body together. The body fills them in order. */
      readonly buffers: readonly Uint8Array[]
      /** The number of bytes that have arrived, in shared memory. */
      readonly received: BigUint64Array
    }
  /** Sends a request from the memory of its body. */
  | { readonly kind: 'send'; readonly number: number; readonly request: UploadRequest }
  /** Ends the request. If its body is being received or sent, the thread then reports a failure. */
  | { readonly kind: 'end'; readonly number: number }

/** What a transfer thread reports about a request. */
export type Report =
  /** The body has begun. `length` is its size in bytes. */
  | {
      readonly kind: 'begun'
      readonly number: number
      readonly head: ResponseHead
      readonly length: number
    }
  /** The SDK must send the request. */
  | { readonly kind: 'refused'; readonly number: number }
  /** The buffers hold the whole body. The thread uses them no more. */
  | { readonly kind: 'received'; readonly number: number }
  /** The response to a request that was sent. The thread uses the body of the request no more. */
  | { readonly kind: 'answered'; readonly number: number; readonly response: WholeResponse }
  /** The request failed. The thread uses its buffers no more. */
  | { readonly kind: 'failed'; readonly number: number; readonly error: SentError }

/** An error in a form that a message can carry. The classes of errors do not survive a message. */
export interface SentError {
  readonly kind: 'store' | 'abort' | 'other'
  readonly code: string | undefined
  readonly message: string
}

export function sentError(error: unknown): SentError {
  const message = messageOf(error)
  if (isHoldfastError(error, 'UNAVAILABLE')) return { kind: 'store', code: error.code, message }
  const isAbort = error instanceof Error && error.name === 'AbortError'
  return { kind: isAbort ? 'abort' : 'other', code: nodeErrorCode(error), message }
}

export function receivedError({ kind, code, message }: SentError): Error {
  if (kind === 'store') return new HoldfastError('UNAVAILABLE', message)
  if (kind === 'abort') return new DOMException(message, 'AbortError')
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}
