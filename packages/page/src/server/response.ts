import { isHoldfastError } from '@holdfast/core'

/** What the server answers. */
export interface Answer {
  readonly status: number
  readonly type: 'text/html' | 'text/plain' | 'application/json'
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: 'text/plain', body, headers }
}

export function json(value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, type: 'application/json', body: JSON.stringify(value), headers }
}

/** The answer for an error. Only the messages of Holdfast are for people. */
export function failure(error: unknown, what: string): Answer {
  if (!isHoldfastError(error)) return plain(503, what)
  const status = error.code === 'NOT_FOUND' ? 404 : error.code === 'INVALID_ARGUMENT' ? 409 : 503
  return plain(status, error.message)
}
