import { S3Error } from './errors.ts'

/** The longest line of the framing in bytes: a length with its extensions, or a trailer. */
const longestLine = 8192

/**
 * Removes the framing of `aws-chunked` from a body, and puts the trailers into the map:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html.
 */
export async function* decodeChunked(
  source: AsyncIterable<Uint8Array>,
  trailers: Map<string, string>,
): AsyncGenerator<Uint8Array> {
  const input = new Input(source)
  for (;;) {
    const size = Number.parseInt(/^([0-9a-fA-F]{1,12})$/.exec(await input.line())?.[1] ?? '', 16)
    if (Number.isNaN(size)) throw new S3Error('IncompleteBody', 'A chunk must begin with its length.')
    if (size === 0) break
    yield* input.take(size)
    if ((await input.line()) !== '')
      throw new S3Error('IncompleteBody', 'A chunk is longer than its announced length.')
  }
  for (let line = await input.line(); line !== ''; line = await input.line()) {
    const colon = line.indexOf(':')
    if (colon < 1) throw new S3Error('MalformedTrailerError')
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  if (!(await input.isAtEnd())) throw new S3Error('IncompleteBody', 'Data follows the last chunk.')
}

/** Reads lines, and given numbers of bytes, from a stream. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>
  #pending: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#pending.indexOf('\r\n')
      if (end !== -1) {
        const line = this.#pending.toString('utf8', 0, end)
        this.#pending = this.#pending.subarray(end + 2)
        return line
      }
      const more = await this.#source.next()
      if (more.done === true || this.#pending.byteLength > longestLine) throw new S3Error('IncompleteBody')
      this.#pending = Buffer.concat([this.#pending, more.value])
    }
  }

  async *take(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; ) {
      const part = this.#pending.subarray(0, left)
      this.#pending = this.#pending.subarray(part.byteLength)
      left -= part.byteLength
      if (part.byteLength > 0) yield part
      if (left === 0) return
      const more = await this.#source.next()
      if (more.done === true) throw new S3Error('IncompleteBody')
      this.#pending = Buffer.from(more.value.buffer, more.value.byteOffset, more.value.byteLength)
    }
  }

  async isAtEnd(): Promise<boolean> {
    return this.#pending.byteLength === 0 && (await this.#source.next()).done === true
  }
}
