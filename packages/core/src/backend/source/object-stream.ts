/** The ways to read a body. One of them is used, once. */
export interface WaysToRead {
  /** Whether other threads receive the bytes, if there is shared memory for them. */
  readonly inThreads: boolean
  /** Yields pieces of any size in memory of their own. */
  readonly pieces: () => AsyncGenerator<Uint8Array, void, undefined>
  /** Yields chunks in buffers of `bytes` bytes, which are used again two chunks later. */
  readonly chunks: (
    bytes: number,
    allocate: (bytes: number) => Uint8Array,
  ) => AsyncGenerator<Uint8Array, void, undefined>
  readonly cancel: () => void
}

/**
 * The body of an object. A reader with buffers of its own can receive into them, without the copies and the promises of a
 * stream of the Streams Standard, which cannot use shared memory.
 */
export class ObjectStream extends ReadableStream<Uint8Array> {
  readonly #ways: WaysToRead

  constructor(ways: WaysToRead) {
    const { pieces, cancel } = ways
    let reading: AsyncGenerator<Uint8Array, void, undefined> | undefined
    super(
      {
        async pull(controller) {
          reading ??= pieces()
          const next = await reading.next()
          if (next.done === true) controller.close()
          else controller.enqueue(next.value)
        },
        cancel,
      },
      { highWaterMark: 0 },
    )
    this.#ways = ways
  }

  get inThreads(): boolean {
    return this.#ways.inThreads
  }

  /**
   * Yields the bytes in buffers from `allocate`. A chunk is valid until the consumer asks for the second chunk after it.
   * Returning early cancels the body. Throws if the body is read already.
   */
  async *chunks(
    bytes: number,
    allocate: (bytes: number) => Uint8Array,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    this.getReader() // nobody else may read it
    yield* this.#ways.chunks(bytes, allocate)
  }
}
