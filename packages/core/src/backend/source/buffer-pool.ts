/** Buffers of one size that are used again. A buffer that is not given back is left to the garbage collector. */
export class BufferPool {
  readonly #bytes: number
  readonly #allocate: (bytes: number) => Uint8Array
  readonly #idle: Uint8Array[] = []

  /** `bytes` is the size of each buffer. */
  constructor(bytes: number, allocate: (bytes: number) => Uint8Array) {
    this.#bytes = bytes
    this.#allocate = allocate
  }

  /** The size of each buffer in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the buffers are in shared memory, which other threads can use. */
  get isShared(): boolean {
    const buffer = this.take()
    this.#idle.push(buffer)
    return buffer.buffer instanceof SharedArrayBuffer
  }

  take(): Uint8Array {
    return this.#idle.pop() ?? this.#allocate(this.#bytes)
  }

  /** Takes back the memory of a chunk that nothing uses any more. A chunk may be a part of its buffer. */
  give({ buffer }: Uint8Array): void {
    if (buffer.byteLength === this.#bytes) this.#idle.push(Buffer.from(buffer))
  }
}
