import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type CancellationToken,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  ErrorCodes,
  type Message,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
} from 'vscode-jsonrpc/node'
import type { FrameSink } from './frame-sink.ts'

/** Passes the messages of frames to the JSON-RPC connection. */
export class FrameMessageReader extends AbstractMessageReader implements MessageReader {
  readonly #sink: FrameSink
  #deliver: DataCallback | undefined

  constructor(sink: FrameSink) {
    super()
    this.#sink = sink
  }

  listen(callback: DataCallback): Disposable {
    this.#deliver = callback
    return { dispose: () => undefined }
  }

  /** Replies with an error of JSON-RPC if the text is not a message. */
  receive(text: string): void {
    let message: unknown
    try {
      message = JSON.parse(text)
    } catch {
      this.#refuse(ErrorCodes.ParseError, 'The message is not JSON.')
      return
    }
    if (isMessage(message)) this.#deliver?.(message)
    else
      this.#refuse(
        ErrorCodes.InvalidRequest,
        'The message must be one request or notification of JSON-RPC 2.0.',
      )
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

  async write(message: Message): Promise<void> {
    this.#sink.sendMessage(message)
  }

  end(): void {
    // The owner of the pipe closes it.
  }
}

/** Connects a reader and a sink. The connection must be told to listen. */
export function connect(reader: FrameMessageReader, sink: FrameSink): MessageConnection {
  const log = (message: string): void => {
    process.stderr.write(`holdfast: ${message}\n`)
  }
  return createMessageConnection(reader, new FrameMessageWriter(sink), {
    error: log,
    warn: log,
    info: () => undefined,
    log: () => undefined,
  })
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
