/** What a request is about, for messages and for whoever wants to stop it. */
export interface RequestInfo {
  /** The request in words, such as `Part 3 of data/x/model.pth`. */
  readonly what: string
  readonly key?: string | undefined
  readonly signal?: AbortSignal | undefined
}
