import type { Socket } from 'node:net'

/** A request with a body, of which the server of `cheap-server.ts` only counts the bytes. It responds as S3 does. */
export class CheapUpload {
  readonly #socket: Socket
  readonly #head: string
  /** The most bytes per millisecond; 0 is no limit. */
  readonly #rate: number
  readonly #began = performance.now()
  readonly #length: number
  #taken = 0

  constructor(socket: Socket, head: string, rate: number) {
    this.#socket = socket
    this.#head = head
    this.#rate = rate
    this.#length = Number(this.#header('content-length') ?? 0)
  }

  /** Takes bytes of the body, and responds when it is complete. Returns whether it is. */
  take(bytes: number): boolean {
    this.#taken += bytes
    if (this.#taken < this.#length) this.#slowDown()
    else this.#respond()
    return this.#taken >= this.#length
  }

  #slowDown(): void {
    const early = this.#rate === 0 ? 0 : this.#taken / this.#rate - (performance.now() - this.#began)
    if (early < 1) return
    this.#socket.pause()
    setTimeout(() => this.#socket.resume(), early)
  }

  #respond(): void {
    const body = this.#document()
    this.#socket.write(
      ['HTTP/1.1 200 OK', 'etag: "e"', `content-length: ${body.length}`, '', body].join('\r\n'),
    )
  }

  /** Returns the document of the response to a request that begins or completes an upload. */
  #document(): string {
    if (!this.#head.startsWith('POST ')) return ''
    if (/^POST \S+[?&]uploads/.test(this.#head))
      return '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'
    const checksum = this.#header('x-amz-checksum-crc32') ?? ''
    const stored = `<ETag>"e"</ETag><ChecksumCRC32>${checksum}</ChecksumCRC32>`
    return `<CompleteMultipartUploadResult>${stored}</CompleteMultipartUploadResult>`
  }

  #header(name: string): string | undefined {
    return new RegExp(`^${name}: *(.*?)\\r?$`, 'im').exec(this.#head)?.[1]
  }
}
