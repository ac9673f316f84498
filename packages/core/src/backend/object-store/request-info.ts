/** Describes a request for messages. */
export interface RequestInfo {
  /** A description of the request, such as `Part 3 of data/x/model.pth`. */
  readonly what: string
  readonly key?: string | undefined
  readonly signal?: AbortSignal | undefined
}
