import { HoldfastError } from '@holdfast/core'
import { Change } from './change.ts'
import { protocolError } from './frames.ts'
import type { FrameSink } from './frame-sink.ts'

/** How many bytes of one stream the sender may send ahead of the reader. */
export const streamWindow = 4 * 2 ** 20

/**
 * A stream of bytes from the client. It sends the first credit when its reader starts, so the client knows which streams
 * are needed now. Ends without an error only if the client ended the stream.
 */
export class Upload implements AsyncIterable<Uint8Array> {
  readonly #stream: number
  readonly #name: string
  readonly #sink: FrameSink
  readonly #received: Uint8Array[] = []
  readonly #change = new Change()
  #credit = 0
  #consumed = 0
  #outcome: { readonly error: Error | undefined } | undefined
  #isClosed = false

  /** `name` is the name of the file, for messages. */
  constructor(stream: number, name: string, sink: FrameSink) {
    this.#stream = stream
    this.#name = name
    this.#sink = sink
  }

  /** Throws `INVALID_ARGUMENT` if the client sends more than its credit, or sends after the end. */
  receive(bytes: Uint8Array): void {
    if (this.#isClosed) return
    if (this.#outcome !== undefined) throw protocolError(`Stream ${this.#stream} has ended already.`)
    if (bytes.byteLength > this.#credit) throw protocolError(`Stream ${this.#stream} exceeds its credit.`)
    this.#credit -= bytes.byteLength
    this.#received.push(bytes)
    this.#change.happen()
  }

  end(): void {
    this.#finish(undefined)
  }

  abort(reason: string): void {
    this.fail(
      new HoldfastError(
        'ABORTED',
        `The client aborted the content of ${this.#name}: ${reason} Nothing was saved.`,
      ),
    )
  }

  fail(error: Error): void {
    this.#finish(error)
  }

  /** Tells the client that no more bytes are needed, unless it has sent all of them. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#received.length = 0
    if (this.#outcome === undefined) {
      this.#sink.sendAbort(this.#stream, { message: 'The rest of the stream is not needed.' })
      this.fail(new HoldfastError('ABORTED', `The content of ${this.#name} is not needed any more.`))
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#grant(streamWindow)
    try {
      for (;;) {
        const piece = this.#received.shift()
        if (piece !== undefined) {
          yield piece
          this.#consume(piece.byteLength)
        } else if (this.#outcome === undefined) {
          await this.#change.next()
        } else {
          if (this.#outcome.error !== undefined) throw this.#outcome.error
          return
        }
      }
    } finally {
      this.close()
    }
  }

  #finish(error: Error | undefined): void {
    this.#outcome ??= { error }
    this.#change.happen()
  }

  /** Gives credit back in large steps, to send few frames. */
  #consume(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed < streamWindow / 2) return
    this.#grant(this.#consumed)
    this.#consumed = 0
  }

  #grant(bytes: number): void {
    if (this.#outcome !== undefined || this.#isClosed) return
    this.#credit += bytes
    this.#sink.sendCredit(this.#stream, bytes)
  }
}
