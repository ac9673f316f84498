/**
 * The code of a transfer thread: sends the requests of the main thread over connections of its own. It receives each large
 * body into the shared memory that the main thread gives it, and sends bodies from there.
 */
import { addAbortSignal } from 'node:stream'
import { parentPort, workerData } from 'node:worker_threads'
import type { DirectBody } from '../direct-body.ts'
import { DirectConnections } from '../direct-connections.ts'
import type { DirectRequest } from '../receiver.ts'
import type { UploadRequest } from '../sender.ts'
import { Uploads } from '../uploads.ts'
import { type Order, type Report, sentError, type ThreadSettings } from './messages.ts'

const { variables, authorities } = workerData as ThreadSettings
const connections = new DirectConnections(variables, authorities)
const uploads = new Uploads(variables, authorities)

interface UnderWay {
  readonly stop: AbortController
  body?: DirectBody
}

const underWay = new Map<number, UnderWay>()

parentPort?.on('message', (order: Order) => {
  const { kind, number } = order
  if (kind === 'get') void get(number, order.request)
  else if (kind === 'receive') void receive(number, order.buffers, order.received)
  else if (kind === 'send') void send(number, order.request)
  else end(number)
})

async function get(number: number, request: DirectRequest): Promise<void> {
  const asked: UnderWay = { stop: new AbortController() }
  underWay.set(number, asked)
  try {
    const response = await connections.get(request, asked.stop.signal)
    if (response === undefined) {
      finish({ kind: 'refused', number })
      return
    }
    const { body, status, headers } = response
    addAbortSignal(asked.stop.signal, body)
    asked.stop.signal.throwIfAborted()
    asked.body = body
    report({ kind: 'begun', number, head: { status, headers }, length: body.length })
  } catch (error) {
    finish({ kind: 'failed', number, error: sentError(error) })
  }
}

async function receive(
  number: number,
  buffers: readonly Uint8Array[],
  received: BigUint64Array,
): Promise<void> {
  const rooms = buffers.values()
  try {
    const body = underWay.get(number)?.body
    if (body === undefined) throw new DOMException('The request has ended', 'AbortError')
    const pool = { take: () => rooms.next().value ?? noRoom() }
    const chunks = body.into(pool, (bytes) => Atomics.store(received, 0, BigInt(bytes)))
    while ((await chunks.next()).done !== true);
    finish({ kind: 'received', number })
  } catch (error) {
    finish({ kind: 'failed', number, error: sentError(error) })
  }
}

async function send(number: number, request: UploadRequest): Promise<void> {
  const stop = new AbortController()
  underWay.set(number, { stop })
  try {
    const response = await uploads.send(request, stop.signal)
    finish({ kind: 'answered', number, response })
  } catch (error) {
    finish({ kind: 'failed', number, error: sentError(error) })
  }
}

/** Ends a request. If its body is being received, `receive` reports that. */
function end(number: number): void {
  const asked = underWay.get(number)
  asked?.stop.abort()
  if (asked?.body !== undefined) underWay.delete(number)
}

function finish(last: Report): void {
  underWay.delete(last.number)
  report(last)
}

function report(message: Report): void {
  parentPort?.postMessage(message)
}

function noRoom(): never {
  throw new Error('The body is larger than the memory for it')
}
