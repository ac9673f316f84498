import type { Answer } from '../http/http-server.ts'
import type { S3Request } from './request.ts'
import type { Elsewhere } from './elsewhere.ts'
import type { Sessions } from './sessions.ts'
import type { State } from './state.ts'

/** What a service does with the conditions of writes. */
export type ConditionalWrites = 'enforced' | 'ignored' | 'refused'

/** The environment of an operation. */
export interface Context {
  readonly state: State
  readonly sessions: Sessions
  /** Whether the listings of every bucket are in no order. Those of directory buckets always are. */
  readonly unorderedLists: boolean
  readonly conditionalWrites: ConditionalWrites
  /** Whether objects can have legal holds. */
  readonly objectLock: boolean
  /** Whether the metadata of an object are kept. */
  readonly keepsMetadata: boolean
  /** Whether DeleteObjects requires `Content-MD5` instead of a checksum. */
  readonly requiresContentMd5: boolean
  /** The host to which reads are redirected. */
  readonly elsewhere: Elsewhere | undefined
  readonly region: string
  readonly now: () => Date
  /** @throws `AccessDenied` if the option `denies` denies this access. */
  readonly assertAllowed: (operation: string, bucket: string, key: string) => void
}

export type Run = (context: Context, request: S3Request) => Promise<Answer>

/** Returns the current time in milliseconds, rounded down to a second: S3 keeps whole seconds. */
export function seconds({ now }: Context): number {
  return Math.floor(now().getTime() / 1000) * 1000
}
