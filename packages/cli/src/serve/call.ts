import type { Session } from './session.ts'

/** What a method works with beside its parameters. */
export interface Call {
  readonly session: Session
  readonly signal: AbortSignal
}
