import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import type { Sample } from '../harness/bytes.ts'
import { bodyAfter } from './plain-sockets.ts'

/** The size in bytes of a buffer, and the number of buffers that are used in turns. */
const bufferBytes = 2 ** 18
const buffers = 8

/** Number of written bytes after which a flush to the disk starts, which shortens the fsync at the end. */
const flushBytes = 32 * 2 ** 20

/** Where `progress` counts the buffers that were filled, and those of them that were hashed and written. */
const filled = 0
const used = 1

/** A body that this thread receives, and that the other thread hashes and writes. */
interface Body {
  /** The memory of all buffers. */
  readonly memory: SharedArrayBuffer
  readonly progress: Int32Array
  readonly size: number
  /** The descriptor of the open file. */
  readonly file: number
}

/**
 * Downloads a body to the disk and verifies it, with the least work that Node.js allows: one socket that reads into shared memory,
 * and a thread that hashes and writes each buffer. It has no SDK, no HTTP client and no retries, so it shows what remains for any
 * verified restore in JavaScript.
 */
export class VerifiedSocket implements AsyncDisposable {
  readonly #worker = new Worker(new URL(import.meta.url))

  async download(url: string, to: string, { size, sha256 }: Sample): Promise<void> {
    const file = await open(to, 'w')
    try {
      const memory = new SharedArrayBuffer(buffers * bufferBytes)
      const progress = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT))
      const body: Body = { memory, progress, size, file: file.fd }
      const [found] = await Promise.all([this.#digestOf(body), receive(new URL(url), file, body)])
      if (found !== sha256) throw new Error(`The body has the digest ${found}, not ${sha256}`)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #digestOf(body: Body): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#worker.once('message', resolve)
    this.#worker.once('error', reject)
    this.#worker.postMessage(body)
    return promise.finally(() => this.#worker.off('error', reject))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

async function receive(url: URL, file: FileHandle, { memory, progress, size }: Body): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const bodyOf = bodyAfter('HTTP/1.1 20')
  const bytes = Buffer.from(memory)
  let position = 0
  let flushedFrom = 0
  let flushing: Promise<void> | undefined
  const startOfRoom = (): number => position % memory.byteLength
  const endOfRoom = (): number => (Math.floor(startOfRoom() / bufferBytes) + 1) * bufferBytes
  const flush = (): void => {
    if (flushing !== undefined || position - flushedFrom < flushBytes) return
    flushedFrom = position
    flushing = file.datasync().finally(() => {
      flushing = undefined
    })
    flushing.catch(reject)
  }
  const hasRoom = (): boolean => Atomics.load(progress, filled) - Atomics.load(progress, used) < buffers
  const awaitRoom = async (): Promise<void> => {
    await setImmediate() // the socket stops after the callback that calls this has returned
    const before = Atomics.load(progress, used)
    if (!hasRoom()) await Atomics.waitAsync(progress, used, before).value
    socket.resume()
  }
  /** Returns whether there is room for more. */
  const take = (arrived: Uint8Array): boolean => {
    const body = bodyOf(arrived)
    if (body.byteLength === 0) return true
    if (body.byteLength < arrived.byteLength) bytes.set(body, startOfRoom()) // the head lay before it
    position += body.byteLength
    if (position < size && position % bufferBytes > 0) return true
    Atomics.add(progress, filled, 1)
    Atomics.notify(progress, filled)
    flush()
    return hasRoom()
  }
  const socket = connect({
    host: url.hostname,
    port: Number(url.port),
    onread: {
      buffer: () => bytes.subarray(startOfRoom(), endOfRoom()),
      callback: (count, buffer) => {
        try {
          const mayReadOn = take(buffer.subarray(0, count))
          if (position >= size) socket.destroy()
          else if (!mayReadOn) awaitRoom().catch(reject)
          return mayReadOn
        } catch (error) {
          socket.destroy(error as Error)
          return false
        }
      },
    },
  })
  socket.on('error', reject)
  socket.on('close', () => {
    if (position === size) resolve(undefined)
    else reject(new Error(`The server sent ${position} of ${size} bytes`))
  })
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
  await promise
  await flushing
}

/** Writes and hashes each buffer when it is full, and returns the SHA-256. Blocks this thread. */
function consume({ memory, progress, size, file }: Body): string {
  const hash = createHash('sha256')
  const bytes = new Uint8Array(memory)
  for (let position = 0, count = 0; position < size; count += 1) {
    while (Atomics.load(progress, filled) === count) Atomics.wait(progress, filled, count)
    const start = position % memory.byteLength
    const full = bytes.subarray(start, start + Math.min(bufferBytes, size - position))
    for (let written = 0; written < full.byteLength; )
      written += writeSync(file, full, written, full.byteLength - written, position + written)
    hash.update(full)
    position += full.byteLength
    Atomics.store(progress, used, count + 1)
    Atomics.notify(progress, used)
  }
  return hash.digest('hex')
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort
  port.on('message', (body: Body) => {
    port.postMessage(consume(body))
  })
}
