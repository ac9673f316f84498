import { invalid } from './errors.ts'

/** The largest size in bytes of the head of a part, and of the metadata. */
const longestText = 2 ** 20

/** A body with two parts (RFC 2387): the metadata, already parsed, and the media, as a stream. */
export interface MultipartRelated {
  readonly metadata: string
  readonly mediaType: string | undefined
  /** Rejects if the body does not end with the closing delimiter. */
  readonly media: AsyncIterable<Uint8Array>
}

export async function parseMultipartRelated(
  body: AsyncIterable<Uint8Array>,
  contentType: string,
): Promise<MultipartRelated> {
  const boundary = /^multipart\/related *;.*\bboundary="?([^";]+)"?/i.exec(contentType)?.[1]
  if (boundary === undefined) throw invalid('The content type multipart/related has no boundary.')
  const input = new Input(body)
  if ((await input.until(`--${boundary}\r\n`)).trim() !== '') throw malformed()
  await input.until('\r\n\r\n')
  const metadata = await input.until(`\r\n--${boundary}\r\n`)
  const head = await input.until('\r\n\r\n')
  const mediaType = /^content-type: *(.*)$/im.exec(head)?.[1]
  return { metadata, mediaType, media: input.media(`\r\n--${boundary}--`) }
}

class Input {
  readonly #source: AsyncIterator<Uint8Array>
  #pending: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Returns the text before the delimiter, and consumes both. */
  async until(delimiter: string): Promise<string> {
    for (;;) {
      const end = this.#pending.indexOf(delimiter)
      if (end !== -1) {
        const text = this.#pending.toString('utf8', 0, end)
        this.#pending = this.#pending.subarray(end + delimiter.length)
        return text
      }
      if (this.#pending.byteLength > longestText || !(await this.#more())) throw malformed()
    }
  }

  /** Yields the bytes before the last delimiter. Holds back bytes that may be the beginning of that delimiter. */
  async *media(delimiter: string): AsyncGenerator<Uint8Array> {
    for (;;) {
      const end = this.#pending.indexOf(delimiter)
      const given = end === -1 ? Math.max(this.#pending.byteLength - delimiter.length, 0) : end
      if (given > 0) yield this.#pending.subarray(0, given)
      this.#pending = this.#pending.subarray(given)
      if (end !== -1) break
      if (!(await this.#more())) throw malformed()
    }
    while (await this.#more());
    if (this.#pending.toString('utf8').trim() !== delimiter.trim()) throw malformed()
  }

  async #more(): Promise<boolean> {
    const more = await this.#source.next()
    if (more.done === true) return false
    this.#pending = Buffer.concat([this.#pending, more.value])
    return true
  }
}

function malformed(): Error {
  return invalid('Malformed multipart body.')
}
