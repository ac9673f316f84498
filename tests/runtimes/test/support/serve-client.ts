import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import type { Runtime } from './runtime.ts'

/** A frame of `holdfast serve --stdio`, as docs/serve.md describes it. */
interface Frame {
  readonly type: string
  readonly stream: number
  readonly payload: Buffer
}

const headerBytes = 9

/** A client of `holdfast serve --stdio`, written after docs/serve.md. It sends one call at a time. */
export class ServeClient implements AsyncDisposable {
  readonly #input: Writable
  readonly #frames: AsyncGenerator<Frame, undefined>
  readonly #ended: Promise<readonly unknown[]>
  #calls = 0

  /** Starts the command on a runtime, and calls `initialize`. */
  static async start({ file, args }: Runtime, command: string): Promise<ServeClient> {
    const helper = spawn(file, [...args, command, 'serve', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const client = new ServeClient(helper.stdin, helper.stdout, once(helper, 'close'))
    try {
      await client.call('initialize', { protocol: 1, process: process.pid })
    } catch (error) {
      await client.end()
      throw error
    }
    return client
  }

  private constructor(input: Writable, output: Readable, ended: Promise<readonly unknown[]>) {
    this.#input = input
    this.#frames = framesOf(output)
    this.#ended = ended
  }

  /** Calls a method. Sends `body` on stream 1 as the helper gives credit for it. Returns the result. */
  async call(method: string, params: object, body?: Buffer): Promise<unknown> {
    const id = ++this.#calls
    let unsent = body
    this.#send('C', 0, Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params })))
    for (;;) {
      const { type, payload } = await this.#next()
      if (type === 'W' && unsent !== undefined) unsent = this.#sendSome(unsent, payload.readUInt32BE())
      if (type !== 'C') continue
      const message = JSON.parse(payload.toString()) as { id?: number; result?: unknown; error?: unknown }
      if (message.id !== id) continue
      if (message.error !== undefined) throw new Error(JSON.stringify(message.error))
      return message.result
    }
  }

  /** Gives credit for a stream of the helper. Returns its bytes after its end. */
  async receive(stream: number, bytes: number): Promise<Buffer> {
    const credit = Buffer.alloc(4)
    credit.writeUInt32BE(bytes)
    this.#send('W', stream, credit)
    const received: Buffer[] = []
    for (;;) {
      const { type, payload } = await this.#next()
      if (type === 'D') received.push(payload)
      else if (type === 'E') return Buffer.concat(received)
      else if (type === 'A') throw new Error(payload.toString())
    }
  }

  /** Closes the pipe. Returns the exit code of the helper. */
  async end(): Promise<unknown> {
    this.#input.end()
    const [code] = await this.#ended
    return code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  /** Sends as many bytes as the credit allows. Returns the others, or `undefined` after the end. */
  #sendSome(bytes: Buffer, credit: number): Buffer | undefined {
    this.#send('D', 1, bytes.subarray(0, credit))
    if (bytes.byteLength > credit) return bytes.subarray(credit)
    this.#send('E', 1)
    return undefined
  }

  #send(type: string, stream: number, payload: Uint8Array = new Uint8Array()): void {
    const header = Buffer.alloc(headerBytes)
    header.write(type, 'latin1')
    header.writeUInt32BE(stream, 1)
    header.writeUInt32BE(payload.byteLength, 5)
    this.#input.write(header)
    this.#input.write(payload)
  }

  async #next(): Promise<Frame> {
    const { value } = await this.#frames.next()
    if (value === undefined) throw new Error('The helper ended before it answered.')
    return value
  }
}

async function* framesOf(output: Readable): AsyncGenerator<Frame, undefined> {
  let bytes: Buffer = Buffer.alloc(0)
  for await (const chunk of output as AsyncIterable<Buffer>) {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.byteLength >= headerBytes) {
      const end = headerBytes + bytes.readUInt32BE(5)
      if (bytes.byteLength < end) break
      yield {
        type: bytes.toString('latin1', 0, 1),
        stream: bytes.readUInt32BE(1),
        payload: bytes.subarray(headerBytes, end),
      }
      bytes = bytes.subarray(end)
    }
  }
  return undefined
}
