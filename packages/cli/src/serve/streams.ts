import { HoldfastError } from '@holdfast/core'
import { Download } from './download.ts'
import type { FrameSink } from './frame-sink.ts'
import { type FrameEvent, protocolError } from './frames.ts'
import { Upload } from './upload.ts'

type StreamEvent = Exclude<FrameEvent, { readonly kind: 'message' }>

/** A download whose body is not known yet. */
export interface OpenDownload {
  /** Fires if the client stops reading. */
  readonly signal: AbortSignal
  /** Sends the body, and closes the stream after it. */
  readonly start: (body: ReadableStream<Uint8Array>) => void
  readonly close: () => void
}

/** The open streams of one connection, by the numbers that the client gives them. */
export class Streams {
  readonly #sink: FrameSink
  readonly #uploads = new Map<number, Upload>()
  readonly #downloads = new Map<number, Download>()
  #newest = 0

  constructor(sink: FrameSink) {
    this.#sink = sink
  }

  /**
   * Opens uploads by the name of their file. Numbers must increase, so a late frame of a closed stream is recognized.
   * Throws `INVALID_ARGUMENT` for another number.
   */
  openUploads(numbers: readonly (readonly [name: string, stream: number])[]): ReadonlyMap<string, Upload> {
    const sorted = numbers.toSorted(([, one], [, other]) => one - other)
    for (const [, stream] of sorted) this.#take(stream)
    return new Map(
      numbers.map(([name, stream]) => {
        const upload = new Upload(stream, name, this.#sink)
        this.#uploads.set(stream, upload)
        return [name, upload]
      }),
    )
  }

  closeUploads(numbers: readonly (readonly [name: string, stream: number])[]): void {
    for (const [, stream] of numbers) {
      this.#uploads.get(stream)?.close()
      this.#uploads.delete(stream)
    }
  }

  /** Opens a download. It stays open until all bytes are sent, or it is closed. */
  openDownload(stream: number): OpenDownload {
    this.#take(stream)
    const download = new Download(stream, this.#sink)
    this.#downloads.set(stream, download)
    const close = (): void => {
      this.#downloads.delete(stream)
    }
    return {
      signal: download.signal,
      close,
      start: (body) => {
        void download.send(body).finally(close)
      },
    }
  }

  /**
   * Uses up the numbers of a call that did not open its streams because it was refused. So a frame that the client sent before
   * it knew of the refusal is ignored, as that of a closed stream.
   */
  useUp(numbers: readonly number[]): void {
    for (const stream of numbers) this.#newest = Math.max(this.#newest, stream)
  }

  /** Handles a frame of a stream. Throws `INVALID_ARGUMENT` for a stream that no call has named. */
  handle(event: StreamEvent): void {
    const { stream } = event
    if (stream > this.#newest) throw protocolError(`Stream ${stream} is not open.`)
    const upload = this.#uploads.get(stream)
    const download = this.#downloads.get(stream)
    switch (event.kind) {
      case 'data':
        upload?.receive(event.bytes)
        break
      case 'end':
        upload?.end()
        break
      case 'abort':
        upload?.abort(event.reason)
        download?.cancel(event.reason)
        break
      case 'credit':
        download?.addCredit(event.bytes)
        break
    }
  }

  /** Fails all streams, because the client is gone. */
  fail(reason: string): void {
    for (const upload of this.#uploads.values()) upload.fail(new HoldfastError('ABORTED', reason))
    for (const download of this.#downloads.values()) download.cancel(reason)
  }

  #take(stream: number): void {
    if (stream <= this.#newest) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `Stream ${stream} cannot be opened. Give each stream a greater number than all streams before it.`,
      )
    }
    this.#newest = stream
  }
}
