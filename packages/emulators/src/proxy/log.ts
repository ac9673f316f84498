import type { Fault, ProxiedRequest } from './fault.ts'

/** A request in the log. Values that are not known, or not known yet, are `undefined`. */
export interface LoggedRequest extends ProxiedRequest {
  readonly fault: Fault | undefined
  /** The status of the response of the server or of the proxy, even if the client never received it. */
  readonly status: number | undefined
  /** Number of bytes of the request body that were forwarded to the server. */
  readonly requestBytes: number
  /** Number of bytes of the response body that were forwarded to the client. */
  readonly answerBytes: number
}

/** The requests that the proxy has received, in the order of arrival. */
export interface RequestLog extends Iterable<LoggedRequest> {
  /** Returns the number of requests, or of those with an operation such as `PutObject` or with a method. */
  count(operationOrMethod?: string): number
  /** Returns the number of requests by operation. */
  counts(): Readonly<Record<string, number>>
  /** Removes all requests from the log. The indexes of later requests continue. */
  clear(): void
}

/** A request in the log that is still being processed. */
export interface LogEntry extends ProxiedRequest {
  fault: Fault | undefined
  status: number | undefined
  requestBytes: number
  answerBytes: number
}

/** The log with the methods that the proxy uses to write it. */
export class WrittenLog implements RequestLog {
  #entries: LogEntry[] = []
  #next = 0

  add(head: Omit<ProxiedRequest, 'index'>): LogEntry {
    const initial = { fault: undefined, status: undefined, requestBytes: 0, answerBytes: 0 }
    const entry = { index: this.#next, ...head, ...initial }
    this.#next += 1
    this.#entries.push(entry)
    return entry
  }

  count(operationOrMethod?: string): number {
    if (operationOrMethod === undefined) return this.#entries.length
    return this.#entries.filter(
      ({ operation, method }) => operation === operationOrMethod || method === operationOrMethod,
    ).length
  }

  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { operation } of this.#entries) counts[operation] = (counts[operation] ?? 0) + 1
    return counts
  }

  clear(): void {
    this.#entries = []
  }

  [Symbol.iterator](): Iterator<LoggedRequest> {
    return this.#entries[Symbol.iterator]()
  }
}
