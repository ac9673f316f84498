import type { Answer } from '../http/http-server.ts'
import type { LiveSessions } from './live-sessions.ts'
import type { GcsRequest } from './request.ts'
import type { State } from './state.ts'

/** The environment of an operation. */
export interface Context {
  readonly state: State
  readonly live: LiveSessions
  readonly now: () => Date
  /** @throws 403 if the option `denies` denies this access. */
  readonly assertAllowed: (operation: string, bucket: string, name: string) => void
}

export type Run = (context: Context, request: GcsRequest) => Promise<Answer>

export function json(status: number, value: object): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(value),
  }
}
