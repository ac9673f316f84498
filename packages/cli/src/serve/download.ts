import { HoldfastError } from '@holdfast/core'
import { Change } from './change.ts'
import { describeError } from './errors.ts'
import type { FrameSink } from './frame-sink.ts'
import { maxPayload } from './frames.ts'

/** A stream of bytes to the client. It sends no more than the client has given credit for. */
export class Download {
  readonly #stream: number
  readonly #sink: FrameSink
  readonly #stop = new AbortController()
  readonly #change = new Change()
  #credit = 0

  constructor(stream: number, sink: FrameSink) {
    this.#stream = stream
    this.#sink = sink
  }

  /** Fires if the client stops reading. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  addCredit(bytes: number): void {
    this.#credit += bytes
    this.#change.happen()
  }

  /** Stops the stream. The client receives an abort, unless all bytes were sent. */
  cancel(reason: string): void {
    this.#stop.abort(new HoldfastError('ABORTED', `The client stopped reading: ${reason}`))
    this.#change.happen()
  }

  /** Sends the whole body and the end of the stream, or an abort with the error. Never rejects. */
  async send(body: ReadableStream<Uint8Array>): Promise<void> {
    try {
      for await (const piece of body) await this.#sendPiece(piece)
      this.#stop.signal.throwIfAborted()
      this.#sink.sendEnd(this.#stream)
    } catch (error) {
      this.#sink.sendAbort(this.#stream, describeError(error))
    }
  }

  async #sendPiece(piece: Uint8Array): Promise<void> {
    let left = piece
    while (left.byteLength > 0) {
      while (this.#credit === 0 && !this.#stop.signal.aborted) await this.#change.next()
      this.#stop.signal.throwIfAborted()
      const part = left.subarray(0, Math.min(this.#credit, maxPayload))
      left = left.subarray(part.byteLength)
      this.#credit -= part.byteLength
      await this.#sink.sendData(this.#stream, part)
    }
  }
}
