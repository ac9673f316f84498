import { addAbortSignal, type Readable, type Writable } from 'node:stream'
import { responseError } from './errors.ts'
import { FrameSink } from './frame-sink.ts'
import { FrameDecoder } from './frames.ts'
import { Handshake } from './handshake.ts'
import { connect, FrameMessageReader, notify, signalOf } from './json-rpc.ts'
import { streamsIn } from './parameters.ts'
import { type Call, Session } from './session.ts'
import { Streams } from './streams.ts'

export interface ServeOptions {
  readonly input: Readable
  readonly output: Writable
  /** Version of Holdfast. */
  readonly version: string
  /** Stops the helper, as the end of the input does. */
  readonly signal: AbortSignal
  /** Returns the number of the process that started this one. */
  readonly parentOf: () => number
  /** Called if calls have not stopped in time after the client is gone, or if the client does not take what was sent. */
  readonly onOverdue: () => void
}

/** Milliseconds that running calls may take to stop after the client is gone, and the client to take what was sent. */
const timeToStop = 3000

/**
 * Serves one client over a pipe, until the input ends, the client's process ends or the signal fires. Then stops all
 * running calls, and closes all stores. Rejects with `INVALID_ARGUMENT` if the bytes do not follow the protocol.
 */
export async function serve({
  input,
  output,
  version,
  signal,
  parentOf,
  onOverdue,
}: ServeOptions): Promise<void> {
  const gone = new AbortController()
  const stop = AbortSignal.any([signal, gone.signal])
  const sink = new FrameSink(output)
  output.on('error', () => {
    gone.abort()
  })
  const reader = new FrameMessageReader(sink)
  const connection = connect(reader, sink)
  const streams = new Streams(sink)
  const session = new Session(streams, (name, params) => {
    notify(sink, name, params)
  })
  const running = new Set<Promise<unknown>>()
  using handshake = new Handshake(version, parentOf, () => {
    gone.abort()
  })
  const runMethod = async (name: string, params: unknown, call: Call): Promise<unknown> =>
    handshake.methodOf(name)(params, call)
  connection.onRequest(async (name, params, token) => {
    const call = { session, signal: AbortSignal.any([stop, signalOf(token)]) }
    const result = runMethod(name, params, call)
    streams.useUp(streamsIn(params))
    running.add(result)
    try {
      return await result
    } catch (error) {
      return responseError(error)
    } finally {
      running.delete(result)
    }
  })
  connection.listen()

  try {
    await receive(input, stop, reader, streams)
  } finally {
    gone.abort()
    streams.fail('The client is gone.')
    const overdue = setTimeout(onOverdue, timeToStop)
    try {
      await Promise.allSettled(running)
      await session.closeAll()
    } finally {
      await sink.flushed()
      clearTimeout(overdue)
      connection.dispose()
    }
  }
}

/**
 * Passes what arrives to its receivers, in the order of arrival, until the input ends. Throws if it does not follow the
 * protocol.
 */
async function receive(
  input: Readable,
  stop: AbortSignal,
  reader: FrameMessageReader,
  streams: Streams,
): Promise<void> {
  const decoder = new FrameDecoder()
  const chunks: AsyncIterable<Uint8Array> = addAbortSignal(stop, input)
  try {
    for await (const chunk of chunks) {
      for (const event of decoder.decode(chunk)) {
        if (event.kind === 'message') await reader.receive(event.text)
        else streams.handle(event)
      }
    }
  } catch (error) {
    if (!stop.aborted) throw error
  }
}
