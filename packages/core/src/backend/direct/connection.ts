import type { OnReadOpts, Socket } from 'node:net'
import { longestWait, noResponse } from '../progress.ts'
import { DirectBody } from './direct-body.ts'
import type { DirectResponse } from './receiver.ts'
import { bodyLength, parseHead, type ResponseHead, staysOpen } from './response-head.ts'

/** The largest head of a response in bytes. Node.js has the same limit: https://nodejs.org/api/http.html#httpmaxheadersize. */
const maxHeadBytes = 16 * 1024

/** Milliseconds after which an idle connection ends. Stores close idle connections after a few seconds. */
const longestIdle = 4_000

/** A response whose body this connection cannot read. The connection is closed. */
export interface UnreadableResponse {
  readonly status: number | undefined
}

interface Waiting {
  readonly resolve: (response: DirectResponse<DirectBody> | UnreadableResponse) => void
  readonly reject: (error: Error) => void
}

/** A connection of HTTP/1.1 for one GET after the other. Its bytes arrive in the buffers of the reader of each body. */
export class Connection {
  readonly #socket: Socket
  readonly #onIdle: () => void
  readonly #onClosed: () => void
  /** Receives bytes that arrive before a reader has provided a buffer. */
  readonly #spare = Buffer.allocUnsafeSlow(2 ** 16)
  #head: Buffer = Buffer.alloc(0)
  #waiting: Waiting | undefined
  #body: DirectBody | undefined
  #isClosed = false
  #idleTimer: NodeJS.Timeout | undefined

  /** `onIdle` is called when another request can be sent, and `onClosed` when the connection has ended. */
  constructor(connect: (onread: OnReadOpts) => Socket, onIdle: () => void, onClosed: () => void) {
    this.#onIdle = onIdle
    this.#onClosed = onClosed
    this.#socket = connect({
      buffer: () => this.#body?.room() ?? this.#spare,
      callback: (length, buffer) => this.#receive(buffer.subarray(0, length)),
    })
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (error) => {
      this.#close(error)
    })
    this.#socket.on('close', () => {
      this.#close(brokenConnection('The connection was closed'))
    })
  }

  /**
   * Sends a request, and resolves when the head of its response has arrived. Rejects if the connection fails. When the
   * signal fires, the connection ends.
   */
  async get(
    text: string,
    signal: AbortSignal | undefined,
  ): Promise<DirectResponse<DirectBody> | UnreadableResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<
      DirectResponse<DirectBody> | UnreadableResponse
    >()
    this.#waiting = { resolve, reject }
    const onAbort = (): void => {
      this.#close(new DOMException('The request was aborted', 'AbortError'))
    }
    const limit = longestWait(0)
    const timer = setTimeout(() => {
      this.#close(brokenConnection(noResponse(limit).message))
    }, limit)
    signal?.addEventListener('abort', onAbort)
    clearTimeout(this.#idleTimer)
    try {
      this.#socket.ref()
      this.#socket.write(text, 'latin1')
      if (signal?.aborted === true) onAbort()
      return await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Waits for the next request, without keeping the process alive. The connection ends if no request comes. */
  rest(): void {
    this.#socket.unref()
    this.#socket.resume() // a body without bytes has not resumed it
    this.#idleTimer = setTimeout(() => {
      this.destroy()
    }, longestIdle).unref()
  }

  destroy(): void {
    this.#close(brokenConnection('The connection was closed'))
  }

  /** Takes bytes that arrived. Returns false to stop receiving. */
  #receive(bytes: Uint8Array): boolean {
    if (this.#body !== undefined) return this.#body.add(bytes)
    this.#head = Buffer.concat([this.#head, bytes])
    if (this.#waiting === undefined) this.#close(brokenConnection('Bytes arrived without a request'))
    for (let end = this.#head.indexOf('\r\n\r\n'); this.#waiting !== undefined && end >= 0; ) {
      const head = parseHead(this.#head.toString('latin1', 0, end))
      this.#head = this.#head.subarray(end + 4)
      // https://www.rfc-editor.org/rfc/rfc9110#section-15.2
      if (head === undefined || head.status >= 200 || head.status === 101)
        return this.#begin(head, this.#waiting)
      end = this.#head.indexOf('\r\n\r\n')
    }
    if (this.#head.byteLength > maxHeadBytes) this.#unreadable(undefined, this.#waiting)
    return !this.#isClosed
  }

  /** Begins the body of a response. */
  #begin(head: ResponseHead | undefined, { resolve }: Waiting): boolean {
    const length = head && bodyLength(head)
    if (head === undefined || length === undefined) {
      this.#unreadable(head?.status, this.#waiting)
      return false
    }
    const body = new DirectBody(length, {
      resume: () => this.#socket.resume(),
      ended: () => {
        this.#body = undefined
        if (staysOpen(head) && !this.#isClosed) this.#onIdle()
        else this.destroy()
      },
      destroy: () => {
        this.destroy()
      },
    })
    this.#waiting = undefined
    this.#body = body
    const early = this.#head
    this.#head = Buffer.alloc(0)
    resolve({ ...head, body })
    if (early.byteLength > 0) body.add(early)
    return false // until the body is read
  }

  #unreadable(status: number | undefined, waiting: Waiting | undefined): void {
    this.#waiting = undefined
    waiting?.resolve({ status })
    this.destroy()
  }

  #close(error: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    this.#onClosed()
    this.#socket.destroy()
    this.#waiting?.reject(error)
    this.#waiting = undefined
    this.#body?.fail(error)
  }
}

/** Returns the error of a connection that ended. */
export function brokenConnection(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' })
}
