import { createReadStream, mkdirSync, readdirSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A reference to immutable bytes. */
export interface Piece {
  readonly id: string
  readonly size: number
}

/** Writes bytes that can become a piece. */
export interface PieceWriter {
  write(chunk: Uint8Array): Promise<void>
  /** Turns the written bytes into a piece. */
  finish(): Promise<Piece>
  discard(): Promise<void>
}

/** Keeps the bytes of pieces. */
export interface PiecePlace {
  create(): Promise<PieceWriter>
  /** Yields the bytes from `start` to before `end`. `end` must be greater than `start`. */
  read(id: string, start: number, end: number): AsyncIterable<Uint8Array>
  remove(id: string): Promise<void>
  ids(): readonly string[]
}

export function piecesInMemory(): PiecePlace {
  const pieces = new Map<string, readonly Uint8Array[]>()
  return {
    async create() {
      const chunks: Uint8Array[] = []
      return {
        async write(chunk) {
          chunks.push(chunk)
        },
        async finish() {
          const id = crypto.randomUUID()
          pieces.set(id, chunks)
          return { id, size: chunks.reduce((sum, { byteLength }) => sum + byteLength, 0) }
        },
        async discard() {
          chunks.length = 0
        },
      }
    },
    async *read(id, start, end) {
      let position = 0
      for (const chunk of pieces.get(id) ?? []) {
        const part = chunk.subarray(Math.max(start - position, 0), Math.max(end - position, 0))
        position += chunk.byteLength
        if (part.byteLength > 0) yield part
      }
    },
    async remove(id) {
      pieces.delete(id)
    },
    ids: () => [...pieces.keys()],
  }
}

/** Keeps each piece in its own file. At most one chunk of each piece is in memory. */
export function piecesInFolder(folder: string): PiecePlace {
  mkdirSync(folder, { recursive: true })
  return {
    async create() {
      const id = crypto.randomUUID()
      const path = join(folder, id)
      const handle = await open(path, 'wx')
      let size = 0
      return {
        async write(chunk) {
          await handle.appendFile(chunk)
          size += chunk.byteLength
        },
        async finish() {
          await handle.close()
          return { id, size }
        },
        async discard() {
          await handle.close()
          await rm(path)
        },
      }
    },
    read: (id, start, end) =>
      createReadStream(join(folder, id), { start, end: end - 1, highWaterMark: 2 ** 20 }),
    remove: async (id) => {
      await rm(join(folder, id), { force: true })
    },
    ids: () => readdirSync(folder),
  }
}
