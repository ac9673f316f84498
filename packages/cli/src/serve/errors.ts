import { type ErrorHint, isHoldfastError } from '@holdfast/core'
import { ErrorCodes, ResponseError } from 'vscode-jsonrpc/node'

/** What the client receives about an error. */
export interface ErrorDescription {
  /** A code of Holdfast, or `UNEXPECTED`. */
  readonly code: string
  readonly message: string
  /** The message without the remedy of `hint`, for a client that phrases the remedy itself. */
  readonly reason: string
  readonly retryable: boolean
  readonly hint?: ErrorHint | undefined
  readonly url?: string | undefined
  readonly key?: string | undefined
}

/** The JSON-RPC code of every error that has a code of Holdfast. */
const holdfastErrorCode = -32000

export function describeError(error: unknown): ErrorDescription {
  if (isHoldfastError(error)) {
    const { code, message, reason, retryable, hint, url, key } = error
    return { code, message, reason, retryable, hint, url, key }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { code: 'UNEXPECTED', message, reason: message, retryable: false }
}

/** Returns the description of an error, and every other value as it is. JSON would write an error without its message. */
export function withoutErrors(value: unknown): unknown {
  return value instanceof Error ? describeError(value) : value
}

export function responseError(error: unknown): ResponseError<ErrorDescription> {
  if (error instanceof ResponseError) return error as ResponseError<ErrorDescription>
  const description = describeError(error)
  const code = description.code === 'UNEXPECTED' ? ErrorCodes.InternalError : holdfastErrorCode
  return new ResponseError(code, description.message, description)
}

/** The error for parameters that the schema of the method does not accept. */
export function invalidParams(message: string): ResponseError<ErrorDescription> {
  return new ResponseError(ErrorCodes.InvalidParams, message, {
    code: 'INVALID_ARGUMENT',
    message,
    reason: message,
    retryable: false,
  })
}

export function methodNotFound(method: string, known: readonly string[]): ResponseError<ErrorDescription> {
  const message = `There is no method ${JSON.stringify(method)}. Known: ${known.join(', ')}.`
  return new ResponseError(ErrorCodes.MethodNotFound, message, {
    code: 'UNSUPPORTED',
    message,
    reason: message,
    retryable: false,
  })
}
