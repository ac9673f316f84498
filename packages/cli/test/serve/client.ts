import { PassThrough } from 'node:stream'
import { parseJson, stringifyJson } from '@holdfast/core'
import { onTestFinished } from 'vitest'
import {
  creditFrame,
  dataHeader,
  endFrame,
  abortFrame,
  FrameDecoder,
  messageFrames,
} from '../../src/serve/frames.ts'
import { protocolVersion } from '../../src/serve/handshake.ts'
import { serve } from '../../src/serve/serve.ts'

type Json = Readonly<Record<string, unknown>>

/** What the helper sent, in the order of arrival. */
interface Received {
  readonly method?: string
  readonly id?: number | null
  readonly params?: Json
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Json }
}

/** A client of `serve` in this process, over streams in place of pipes. */
export class TestClient {
  readonly toHelper = new PassThrough()
  readonly #fromHelper = new PassThrough()
  readonly #decoder = new FrameDecoder()
  readonly #waiting = new Map<number, (response: Received) => void>()
  readonly #streams = new Map<number, { bytes: Uint8Array[]; outcome: PromiseWithResolvers<Uint8Array> }>()
  readonly #credits = new Map<number, PromiseWithResolvers<undefined>>()
  readonly messages: Received[] = []
  /** The process that started the helper, as the helper sees it. */
  parent = 1
  isOverdue = false
  /** All bytes that the helper sent, as text. */
  output = ''
  /** Settles when the helper ends. */
  readonly served: Promise<void>
  #nextId = 1
  #nextStream = 1

  constructor() {
    this.#fromHelper.on('data', (chunk: Uint8Array) => {
      this.output += Buffer.from(chunk).toString('latin1')
      this.#receive(chunk)
    })
    this.served = serve({
      input: this.toHelper,
      output: this.#fromHelper,
      version: '1.2.3',
      signal: new AbortController().signal,
      parentOf: () => this.parent,
      onOverdue: () => {
        this.isOverdue = true
      },
    })
    this.served.catch(() => undefined)
    onTestFinished(async () => {
      this.toHelper.end()
      await this.served.catch(() => undefined)
    })
  }

  /** Returns a client that has introduced itself. */
  static async start(): Promise<TestClient> {
    const client = new TestClient()
    await client.call('initialize', { protocol: protocolVersion })
    return client
  }

  /** Sends a request. Returns its number and its response. */
  request(method: string, params: Json = {}): { readonly id: number; readonly response: Promise<Received> } {
    const id = this.#nextId++
    const { promise, resolve } = Promise.withResolvers<Received>()
    this.#waiting.set(id, resolve)
    this.sendMessage({ jsonrpc: '2.0', id, method, params })
    return { id, response: promise }
  }

  /** Sends a request and returns its result. Throws its error. */
  async call(method: string, params: Json = {}): Promise<unknown> {
    const { error, result } = await this.request(method, params).response
    if (error === undefined) return result
    throw new Error(`${String(error.data?.['code'])}: ${error.message}`)
  }

  async openStore(location: string, options: Json = {}): Promise<number> {
    const { store } = (await this.call('openStore', { location, config: false, ...options })) as {
      store: number
    }
    return store
  }

  cancel(id: number): void {
    this.sendMessage({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id } })
  }

  sendMessage(message: Json): void {
    for (const frame of messageFrames(stringifyJson(message))) this.toHelper.write(frame)
  }

  newStream(): number {
    return this.#nextStream++
  }

  /** Resolves when the helper has given the first credit of a stream. */
  async credited(stream: number): Promise<void> {
    await this.#creditOf(stream).promise
  }

  sendData(stream: number, bytes: Uint8Array): void {
    this.toHelper.write(dataHeader(stream, bytes.byteLength))
    this.toHelper.write(bytes)
  }

  sendEnd(stream: number): void {
    this.toHelper.write(endFrame(stream))
  }

  sendAbort(stream: number, message: string): void {
    this.toHelper.write(abortFrame(stream, { message }))
  }

  /** Gives credit for a stream of the helper. Resolves with its bytes, and rejects if it is aborted. */
  async receiveStream(stream: number, credit: number): Promise<Uint8Array> {
    this.toHelper.write(creditFrame(stream, credit))
    return this.#streamOf(stream).outcome.promise
  }

  #receive(chunk: Uint8Array): void {
    for (const event of this.#decoder.decode(chunk)) {
      switch (event.kind) {
        case 'message': {
          const message = parseJson(event.text, 'the message') as Received
          this.messages.push(message)
          if (typeof message.id === 'number') this.#waiting.get(message.id)?.(message)
          break
        }
        case 'data':
          this.#streamOf(event.stream).bytes.push(Uint8Array.from(event.bytes))
          break
        case 'end':
          this.#streamOf(event.stream).outcome.resolve(Buffer.concat(this.#streamOf(event.stream).bytes))
          break
        case 'abort':
          this.#streamOf(event.stream).outcome.reject(new Error(event.reason))
          break
        case 'credit':
          this.#creditOf(event.stream).resolve(undefined)
          break
      }
    }
  }

  #streamOf(stream: number): { bytes: Uint8Array[]; outcome: PromiseWithResolvers<Uint8Array> } {
    const found = this.#streams.get(stream) ?? { bytes: [], outcome: Promise.withResolvers<Uint8Array>() }
    this.#streams.set(stream, found)
    found.outcome.promise.catch(() => undefined) // a test reads it later, or not at all
    return found
  }

  #creditOf(stream: number): PromiseWithResolvers<undefined> {
    const found = this.#credits.get(stream) ?? Promise.withResolvers<undefined>()
    this.#credits.set(stream, found)
    return found
  }
}
