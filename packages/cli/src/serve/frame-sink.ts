import { constants } from 'node:buffer'
import type { Writable } from 'node:stream'
import { stringifyJson } from '@holdfast/core'
import { withoutErrors } from './errors.ts'
import { abortFrame, creditFrame, dataHeader, endFrame, messageFrames, tooLong } from './frames.ts'

/** Writes frames to the pipe to the client. Writes to a client that is gone are ignored. */
export class FrameSink {
  readonly #output: Writable
  #lastData: Promise<void> = Promise.resolve()

  constructor(output: Writable) {
    this.#output = output
  }

  /**
   * Sends a message. Errors in it are sent as `ErrorDescription`. Throws `UNSUPPORTED`, and sends nothing, if it is longer than a
   * message may be.
   */
  sendMessage(message: object): void {
    for (const frame of messageFrames(textOf(message))) this.#write(frame)
  }

  sendEnd(stream: number): void {
    this.#write(endFrame(stream))
  }

  sendAbort(stream: number, error: { readonly message: string }): void {
    this.#write(abortFrame(stream, error))
  }

  sendCredit(stream: number, bytes: number): void {
    this.#write(creditFrame(stream, bytes))
  }

  /**
   * Sends one frame of data once the frames of data before it have left. Messages overtake frames that wait. Resolves when
   * the memory of the bytes may be used again.
   */
  async sendData(stream: number, bytes: Uint8Array): Promise<void> {
    const before = this.#lastData
    const sent = before.then(() => this.#writeData(stream, bytes))
    this.#lastData = sent
    return sent
  }

  /** Resolves when the client has taken everything, or has closed the pipe. */
  async flushed(): Promise<void> {
    if (this.#output.destroyed) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#output.write('', () => {
      resolve(undefined) // also after an error, which the owner of the pipe handles
    })
    await promise
  }

  async #writeData(stream: number, bytes: Uint8Array): Promise<void> {
    if (this.#output.destroyed) return
    const flushed = Promise.withResolvers<undefined>()
    this.#output.cork()
    this.#output.write(dataHeader(stream, bytes.byteLength))
    this.#output.write(bytes, () => {
      flushed.resolve(undefined) // also after an error, which the owner of the pipe handles
    })
    this.#output.uncork()
    await flushed.promise
  }

  #write(frame: Uint8Array): void {
    if (!this.#output.destroyed) this.#output.write(frame)
  }
}

function textOf(message: object): string {
  try {
    return stringifyJson(message, withoutErrors)
  } catch (error) {
    // V8 throws it for a string that would be too long.
    if (error instanceof RangeError) throw tooLong(`more than ${constants.MAX_STRING_LENGTH} bytes`)
    throw error
  }
}
