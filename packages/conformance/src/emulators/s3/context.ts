import type { Answer } from '../http-server.ts'
import type { S3Request } from './request.ts'
import type { State } from './state.ts'

/** What an operation has to work with. */
export interface Context {
  readonly state: State
  readonly region: string
  readonly now: () => Date
  /** @throws `AccessDenied` when the emulator was told to deny this. */
  readonly assertAllowed: (operation: string, bucket: string, key: string) => void
}

export type Run = (context: Context, request: S3Request) => Promise<Answer>

/** Now, in whole seconds: S3 keeps no finer times. */
export function seconds({ now }: Context): number {
  return Math.floor(now().getTime() / 1000) * 1000
}
