import { BufferPool } from '../source/buffer-pool.ts'
import { ReceivedBody } from './received-body.ts'

/** Chunks that are received before a reader asks for them. Then the connection pauses. */
const chunksAhead = 8

/** The largest chunk in bytes for readers that bring no buffers. */
const plainChunkBytes = 2 ** 18

/** The connection that a body comes from. */
export interface BodyConnection {
  /** Continues to receive. */
  resume(): void
  /** Called once, when the body has all its bytes. */
  ended(): void
  /** Ends the connection, because nobody reads the rest of the body. */
  destroy(): void
}

/** The body of a response that a connection of this thread receives. It can be read as any other stream, too. */
export class DirectBody extends ReceivedBody {
  override readonly length: number
  readonly #connection: BodyConnection
  readonly #filled: Uint8Array[] = []
  /** Bytes that arrived before the reader. */
  #early: Uint8Array = new Uint8Array()
  #pool: Pick<BufferPool, 'take'> | undefined
  /** The buffer that is being filled, and the number of bytes in it. */
  #buffer: Uint8Array | undefined
  #position = 0
  #left: number
  #received = 0
  #failure: Error | undefined
  #isPaused = true
  #wake: () => void = () => undefined
  #onReceived: (received: number) => void = () => undefined
  #plain: AsyncGenerator<Uint8Array, void, undefined> | undefined

  constructor(length: number, connection: BodyConnection) {
    super({ highWaterMark: plainChunkBytes })
    this.on('error', () => undefined) // the reader of the body gets the error
    this.length = length
    this.#left = length
    this.#connection = connection
  }

  override get received(): number {
    return this.#received
  }

  /** Where the next bytes belong, or `undefined` before the body is read. */
  room(): Uint8Array | undefined {
    if (this.#pool === undefined || this.#left === 0) return undefined
    this.#buffer ??= this.#pool.take()
    return this.#buffer.subarray(this.#position, this.#position + this.#left)
  }

  /** Adds bytes that arrived. They may lie in the memory that `room` returned. Returns false to pause the connection. */
  add(bytes: Uint8Array): boolean {
    if (this.#pool === undefined) {
      this.#early = Buffer.concat([this.#early, bytes])
      this.#count(bytes)
      return false
    }
    for (let rest = bytes; rest.byteLength > 0; ) {
      const room = this.room()
      if (room === undefined) {
        this.#connection.destroy() // more bytes arrived than the response announced
        return false
      }
      const part = rest.subarray(0, room.byteLength)
      if (part.buffer !== room.buffer) room.set(part)
      this.#count(part)
      this.#take(part.byteLength)
      rest = rest.subarray(part.byteLength)
    }
    this.#isPaused = this.#left > 0 && this.#filled.length >= chunksAhead
    return !this.#isPaused
  }

  /** Ends the body with an error, unless it has all its bytes. */
  fail(error: Error): void {
    if (this.#left === 0) return
    this.#failure ??= error
    this.#wake()
  }

  /** As `ReceivedBody`. `onReceived` is called with the number of bytes so far whenever some have arrived. */
  override async *into(
    pool: Pick<BufferPool, 'take'>,
    onReceived: (received: number) => void = () => undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.#onReceived = onReceived
    try {
      yield* this.#chunks(pool)
    } finally {
      this.destroy()
    }
  }

  override _read(): void {
    const chunks = (this.#plain ??= this.#chunks(
      new BufferPool(Math.min(plainChunkBytes, Math.max(1, this.#left)), (bytes) =>
        Buffer.allocUnsafeSlow(bytes),
      ),
    ))
    chunks.next().then(
      ({ done, value }) => {
        this.push(done === true ? null : value)
      },
      (error: unknown) => {
        this.destroy(error instanceof Error ? error : new Error(String(error)))
      },
    )
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.fail(error ?? new Error('The body was closed'))
    // The connection of a body without bytes is used again once the body is read.
    if (this.#left > 0 || this.#pool === undefined) this.#connection.destroy()
    done(error)
  }

  async *#chunks(pool: Pick<BufferPool, 'take'>): AsyncGenerator<Uint8Array, void, undefined> {
    this.#pool = pool
    if (this.#left === 0 && this.#early.byteLength === 0) this.#connection.ended()
    else if (this.add(this.#takeEarly())) this.#resume()
    for (;;) {
      const chunk = this.#filled.shift()
      if (chunk !== undefined) {
        if (this.#isPaused && this.#left > 0) this.#resume()
        yield chunk
      } else if (this.#failure !== undefined) {
        if (this.#position > 0) yield this.#cut()
        throw this.#failure
      } else if (this.#left === 0) return
      else await this.#more()
    }
  }

  /** Counts bytes that are in memory. The reader may use them at once. */
  #count(bytes: Uint8Array): void {
    this.#received += bytes.byteLength
    this.#onReceived(this.#received)
  }

  /** Returns the bytes that arrived before the reader, which are counted when they are added again. */
  #takeEarly(): Uint8Array {
    const early = this.#early
    this.#early = new Uint8Array()
    this.#received -= early.byteLength
    return early
  }

  #resume(): void {
    this.#isPaused = false
    this.#connection.resume()
  }

  #take(bytes: number): void {
    this.#position += bytes
    this.#left -= bytes
    if (this.#left > 0 && this.#position < (this.#buffer?.byteLength ?? 0)) return
    this.#filled.push(this.#cut())
    if (this.#left === 0) this.#connection.ended()
    this.#wake()
  }

  /** Takes the filled part of the buffer out. */
  #cut(): Uint8Array {
    const chunk = this.#buffer?.subarray(0, this.#position) ?? new Uint8Array()
    this.#buffer = undefined
    this.#position = 0
    return chunk
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
