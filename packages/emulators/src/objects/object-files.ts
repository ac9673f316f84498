import { Readable } from 'node:stream'
import { type Piece, type PiecePlace, piecesInFolder, piecesInMemory, type PieceWriter } from './pieces.ts'

/**
 * The contents of an emulator's objects. Each object is a sequence of pieces. A piece that is removed while it is
 * being read is deleted after its last reader has ended, because a store completes a response that it has started.
 */
export class ObjectFiles {
  readonly #place: PiecePlace
  readonly #readers = new Map<string, number>()
  readonly #doomed = new Set<string>()

  /** Keeps the pieces in a folder, which is created. Without a folder, in memory. */
  constructor(folder: string | undefined) {
    this.#place = folder === undefined ? piecesInMemory() : piecesInFolder(folder)
  }

  async create(): Promise<PieceWriter> {
    return await this.#place.create()
  }

  /**
   * Streams the bytes from `start` to before `end` of the concatenated pieces. They exist until the stream is
   * closed.
   */
  read(pieces: readonly Piece[], start: number, end: number): Readable {
    for (const { id } of pieces) this.#readers.set(id, (this.#readers.get(id) ?? 0) + 1)
    const stream = Readable.from(this.#reading(pieces, start, end))
    stream.once('close', () => void this.#release(pieces))
    return stream
  }

  async remove(pieces: readonly Piece[]): Promise<void> {
    for (const { id } of pieces) {
      if (this.#readers.has(id)) this.#doomed.add(id)
      else await this.#place.remove(id)
    }
  }

  /** Removes all pieces except these: leftovers of a process that died. */
  async keepOnly(kept: readonly Piece[]): Promise<void> {
    const ids = new Set(kept.map(({ id }) => id))
    for (const id of this.#place.ids()) if (!ids.has(id)) await this.#place.remove(id)
  }

  async *#reading(pieces: readonly Piece[], start: number, end: number): AsyncGenerator<Uint8Array> {
    let position = 0
    for (const { id, size } of pieces) {
      const from = Math.max(start - position, 0)
      const to = Math.min(end - position, size)
      if (from < to) yield* this.#place.read(id, from, to)
      position += size
    }
  }

  async #release(pieces: readonly Piece[]): Promise<void> {
    for (const { id } of pieces) {
      const others = (this.#readers.get(id) ?? 1) - 1
      if (others > 0) this.#readers.set(id, others)
      else this.#readers.delete(id)
      if (others === 0 && this.#doomed.delete(id)) await this.#place.remove(id)
    }
  }
}
