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
  /** Whether the client has ended or aborted the stream. */
  #isEnded = false
  /** Why the reader gets no more bytes. */
  #failure: Error | undefined

  /** `name` is the name of the file, for messages. */
  constructor(stream: number, name: string, sink: FrameSink) {
    this.#stream = stream
    this.#name = name
    this.#sink = sink
  }

  /**
   * Discards bytes that the client sent before it knew that they are not needed. Throws `INVALID_ARGUMENT` if the client sends
   * more than its credit, or sends after its own end or abort.
   */
  receive(bytes: Uint8Array): void {
    if (this.#isEnded) throw protocolError(`Stream ${this.#stream} has ended already.`)
    if (bytes.byteLength > this.#credit) throw protocolError(`Stream ${this.#stream} exceeds its credit.`)
    this.#credit -= bytes.byteLength
    if (this.#failure !== undefined) return
    this.#received.push(bytes)
    this.#change.happen()
  }

  end(): void {
    this.#isEnded = true
    this.#change.happen()
  }

  /** An abort after the end changes nothing. */
  abort(reason: string): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.fail(
      new HoldfastError(
        'ABORTED',
        `The client aborted the content of ${this.#name}: ${reason} Nothing was saved.`,
      ),
    )
  }

  /** Fails the reader. Tells the client that no more bytes are needed, unless it has sent all of them. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#received.length = 0
    if (!this.#isEnded)
      this.#sink.sendAbort(this.#stream, { message: 'The rest of the stream is not needed.' })
    this.#change.happen()
  }

  /** Ends the stream after its last use. */
  close(): void {
    this.fail(new HoldfastError('ABORTED', `The content of ${this.#name} is not needed any more.`))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#grant(streamWindow)
    try {
      for (;;) {
        // Taking one piece after another from the beginning would move all others each time.
        for (const piece of this.#received.splice(0)) {
          if (this.#failure !== undefined) throw this.#failure
          yield piece
          this.#consume(piece.byteLength)
        }
        if (this.#failure !== undefined) throw this.#failure
        if (this.#received.length > 0) continue
        if (this.#isEnded) return
        await this.#change.next()
      }
    } finally {
      this.close()
    }
  }

  /** Gives credit back in large steps, to send few frames. */
  #consume(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed < streamWindow / 2) return
    this.#grant(this.#consumed)
    this.#consumed = 0
  }

  #grant(bytes: number): void {
    if (this.#isEnded || this.#failure !== undefined) return
    this.#credit += bytes
    this.#sink.sendCredit(this.#stream, bytes)
  }
}
