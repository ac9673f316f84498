import { Readable } from 'node:stream'
import type { BufferPool } from '../source/buffer-pool.ts'

/** The body of a response, which a reader with buffers of its own receives without a copy. */
export abstract class ReceivedBody extends Readable {
  /** The size of the body in bytes, as the response states it. */
  abstract readonly length: number

  /** Number of bytes that have arrived. */
  abstract get received(): number

  /**
   * Receives the body into buffers of the pool, and yields them. Each chunk belongs to the caller, who may give it back.
   * If the connection breaks, yields what has arrived before it throws. Returning early ends the connection.
   */
  abstract into(pool: BufferPool): AsyncGenerator<Uint8Array, void, undefined>
}
