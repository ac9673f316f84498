/** What a process of a rank tells its launcher. */
export type Message =
  | { readonly kind: 'restored'; readonly step: number; readonly generation: number }
  | { readonly kind: 'saved'; readonly step: number }
  /** Other ranks are late with their parts of a step. The process saves it again. */
  | { readonly kind: 'incomplete'; readonly step: number }
  /** The process has ended by itself, with the code of an error. */
  | { readonly kind: 'ended'; readonly code: string; readonly message: string }
  /** A promise is broken. */
  | { readonly kind: 'broken'; readonly what: string }

/** Messages of the process channel have no type. This program has sent them. */
export function isMessage(message: unknown): message is Message {
  return typeof message === 'object' && message !== null && 'kind' in message
}

/** What a process is started with. */
export interface RankArguments {
  readonly url: string
  readonly folder: string
  readonly rank: number
  readonly size: number
  /** The number of the start of the job. All processes of a start have the same, and write it into their files. */
  readonly generation: number
  readonly joinTimeout: number
  readonly saveTimeout: number
}

export function encodeArguments(given: RankArguments): string {
  return JSON.stringify(given)
}

export function decodeArguments(text: string): RankArguments {
  return JSON.parse(text) as RankArguments
}
