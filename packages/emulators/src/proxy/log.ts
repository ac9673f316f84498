import type { Fault, ProxiedRequest } from './fault.ts'

/** One request that came by. What is not known yet, or never came, is absent. */
export interface LoggedRequest extends ProxiedRequest {
  readonly fault: Fault | undefined
  /** What the server, or the proxy in its place, answered; also when the client never got to see it. */
  readonly status: number | undefined
  /** Bytes of the body that were forwarded to the server. */
  readonly requestBytes: number
  /** Bytes of the body of the answer that were forwarded to the client. */
  readonly answerBytes: number
}

/** What the proxy has seen, in the order of arrival. */
export interface RequestLog extends Iterable<LoggedRequest> {
  /** How many there were; of one operation, such as `PutObject`, or one method when it is named. */
  count(operationOrMethod?: string): number
  /** How many there were of each operation. */
  counts(): Readonly<Record<string, number>>
  /** Forgets what has been; indexes go on. */
  clear(): void
}

/** A logged request while it is under way. */
export interface LogEntry extends ProxiedRequest {
  fault: Fault | undefined
  status: number | undefined
  requestBytes: number
  answerBytes: number
}

/** The log as the proxy writes it. */
export class WrittenLog implements RequestLog {
  #entries: LogEntry[] = []
  #next = 0

  add(head: Omit<ProxiedRequest, 'index'>): LogEntry {
    const nothingYet = { fault: undefined, status: undefined, requestBytes: 0, answerBytes: 0 }
    const entry = { index: this.#next, ...head, ...nothingYet }
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
