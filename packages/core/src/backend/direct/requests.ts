import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { HoldfastError } from '../../errors.ts'
import type { Agents } from '../proxies/agents.ts'
import { mayReceiveDirectly } from './direct-connections.ts'
import type { DirectRequest } from './receiver.ts'
import type { WholeResponse } from './sender.ts'

/** The largest response to an upload in bytes. Stores send none, or a short document. */
const mostResponseBytes = 2 ** 20

/** Whether this runtime has `sendPieces`. Bun and Deno may use a piece after they reported that it is written. */
export const maySendPieces = mayReceiveDirectly

/** A request with a body, without the body. */
export interface BodyRequest extends DirectRequest {
  readonly method: string
}

/** The pieces of a body. */
export type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/**
 * Sends a request with a large body by the HTTP client of Node.js, and resolves to its response, whatever the status is. `agents`
 * open the connection, by default those of Node.js. Rejects with the error of the connection or of the pieces, with `UNAVAILABLE` if
 * the response is too large, and with an `AbortError` if the signal fires.
 *
 * A piece is sent completely before the next one is taken, so its memory can be used again. When the promise settles, nothing uses
 * the last piece any more.
 */
export async function sendPieces(
  request: BodyRequest,
  pieces: Pieces,
  agents: Agents | undefined,
  signal: AbortSignal | undefined,
): Promise<WholeResponse> {
  const opened = openRequest(request, agents, signal)
  return wholeResponse(opened, writePieces(opened, pieces), signal)
}

/** Begins a request. Its body must be written, and its response read by `wholeResponse`. */
export function openRequest(
  { protocol, host, port, path, method, headers }: BodyRequest,
  agents: Agents | undefined,
  signal: AbortSignal | undefined,
): http.ClientRequest {
  const options = { host, port, path, method, headers, ...(signal === undefined ? {} : { signal }) }
  const request =
    protocol === 'http:'
      ? http.request({ ...options, agent: agents?.http })
      : https.request({ ...options, agent: agents?.https })
  request.on('error', () => undefined) // a connection can also fail after its response has begun
  return request
}

/** Waits for the response to a request, and reads it. Rejects if `writing` does, which writes the body of the request. */
export async function wholeResponse(
  request: http.ClientRequest,
  writing: Promise<void> | undefined,
  signal: AbortSignal | undefined,
): Promise<WholeResponse> {
  const answered = once(request, 'response', signal === undefined ? {} : { signal })
  try {
    const [response] = (await Promise.race([answered, writing?.then(() => answered) ?? answered])) as [
      http.IncomingMessage,
    ]
    return {
      status: response.statusCode ?? 0,
      headers: joined(response.headers),
      body: await wholeOf(response),
    }
  } finally {
    // The caller uses the memory of the body again, so the rest of it must not be sent after an early response.
    if (!request.writableFinished) request.destroy()
  }
}

/** Writes the body of a request. Stops without an error if the response arrives early, or if the request fails. */
async function writePieces(request: http.ClientRequest, pieces: Pieces): Promise<void> {
  let hasEnded = false
  const isOver = (): boolean => hasEnded
  let proceed: () => void = () => undefined
  const stop = (): void => {
    hasEnded = true
    proceed()
  }
  request.once('response', stop).once('close', stop)
  for await (const piece of pieces) {
    if (isOver()) return
    await new Promise<void>((resolve) => {
      proceed = resolve
      request.write(piece, () => {
        resolve()
      })
    })
    if (isOver()) return
  }
  request.end()
}

/** Only `set-cookie` has several values, which no store sends. */
function joined(headers: http.IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')] as const],
    ),
  )
}

async function wholeOf(response: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response) {
    size += chunk.byteLength
    if (size > mostResponseBytes) {
      const message = `The response to an upload has more than ${mostResponseBytes} bytes, the maximum. Check the endpoint.`
      throw new HoldfastError('UNAVAILABLE', message)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
