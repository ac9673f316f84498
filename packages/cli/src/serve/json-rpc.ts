import { HoldfastError, isHoldfastError } from '@holdfast/core'
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type CancellationToken,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  ErrorCodes,
  Message,
  type MessageConnection,
  type MessageReader,
  type MessageStrategy,
  type MessageWriter,
} from 'vscode-jsonrpc/node'
import { responseError } from './errors.ts'
import type { FrameSink } from './frame-sink.ts'

/** Passes the messages of frames to the JSON-RPC connection. */
export class FrameMessageReader extends AbstractMessageReader implements MessageReader {
  readonly #sink: FrameSink
  /** The requests whose methods have not begun, with what resolves their `receive`. */
  readonly #waiting = new Map<Message, () => void>()
  #deliver: DataCallback | undefined

  constructor(sink: FrameSink) {
    super()
    this.#sink = sink
  }

  listen(callback: DataCallback): Disposable {
    this.#deliver = callback
    return { dispose: () => undefined }
  }

  /**
   * Resolves when the method of a request has begun, so that frames behind the request find its streams. A cancel takes effect at
   * once. Replies with an error of JSON-RPC if the text is not a message.
   */
  async receive(text: string): Promise<void> {
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch {
      this.#refuse(ErrorCodes.ParseError, 'The message is not JSON.')
      return
    }
    if (!isMessage(message)) {
      this.#refuse(
        ErrorCodes.InvalidRequest,
        'The message must be one request or notification of JSON-RPC 2.0.',
      )
      return
    }
    const begun = Message.isRequest(message) ? this.#beginningOf(message) : undefined
    this.#deliver?.(message)
    await begun
  }

  /** Must be called when the connection has begun the method of a request. */
  begun(message: Message): void {
    this.#waiting.get(message)?.()
    this.#waiting.delete(message)
  }

  async #beginningOf(request: Message): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(request, resolve))
  }

  #refuse(code: number, message: string): void {
    this.#sink.sendMessage({ jsonrpc: '2.0', id: null, error: { code, message } })
  }
}

class FrameMessageWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #sink: FrameSink

  constructor(sink: FrameSink) {
    super()
    this.#sink = sink
  }

  /** The connection sends what this throws in the place of a response. */
  async write(message: Message): Promise<void> {
    try {
      this.#sink.sendMessage(message)
    } catch (error) {
      throw responseError(isHoldfastError(error) ? notSent(error) : error)
    }
  }

  end(): void {
    // The owner of the pipe closes it.
  }
}

/** Connects a reader and a sink. The connection must be told to listen. */
export function connect(reader: FrameMessageReader, sink: FrameSink): MessageConnection {
  const logger = { error: log, warn: log, info: () => undefined, log: () => undefined }
  const messageStrategy: MessageStrategy = {
    handleMessage: (message, next) => {
      const handled = next(message)
      reader.begun(message)
      return handled
    },
  }
  return createMessageConnection(reader, new FrameMessageWriter(sink), logger, { messageStrategy })
}

/** Sends a notification. No call waits for it, so one that is too long is reported on standard error. */
export function notify(sink: FrameSink, method: string, params: Readonly<Record<string, unknown>>): void {
  try {
    sink.sendMessage({ jsonrpc: '2.0', method, params })
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    log(`A notification ${method} was not sent. ${error.reason}`)
  }
}

/** Returns a signal that fires when the client cancels the request. */
export function signalOf(token: CancellationToken): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => {
    controller.abort(new Error('The client cancelled the request.'))
  }
  if (token.isCancellationRequested) abort()
  else token.onCancellationRequested(abort)
  return controller.signal
}

function notSent({ reason }: HoldfastError): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `The call has ended, but its result was not sent. ${reason} Request less, or use the command line.`,
  )
}

function log(message: string): void {
  process.stderr.write(`holdfast: ${message}\n`)
}

/** Returns whether a value is one request or notification, whose members have the types of JSON-RPC 2.0. */
function isMessage(value: unknown): value is Message {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { jsonrpc, method, id, params } = value as Readonly<Record<string, unknown>>
  if (jsonrpc !== '2.0' || typeof method !== 'string') return false
  if (id !== undefined && typeof id !== 'number' && typeof id !== 'string') return false
  if (params !== undefined && (typeof params !== 'object' || params === null || Array.isArray(params)))
    return false
  return method !== '$/cancelRequest' || (id === undefined && isCancel(params))
}

function isCancel(params: unknown): boolean {
  if (typeof params !== 'object' || params === null || !('id' in params)) return false
  return typeof params.id === 'number' || typeof params.id === 'string'
}
