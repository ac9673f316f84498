import { HoldfastError, stringifyJson } from '@holdfast/core'
import * as v from 'valibot'

/** The largest payload of one frame in bytes. */
export const maxPayload = 2 ** 20

/** The largest JSON-RPC message in bytes. */
export const maxMessage = 64 * 2 ** 20

const headerBytes = 9

/** The type of a frame, as its first byte. */
const frameTypes = {
  /** A part of a JSON-RPC message that the next message frame continues. */
  messagePart: 0x63, // c
  /** A JSON-RPC message, or its last part. */
  message: 0x43, // C
  /** Bytes of a stream. */
  data: 0x44, // D
  /** The end of a stream: all its bytes were sent. */
  end: 0x45, // E
  /** The abort of a stream, with the reason as a JSON object that has a `message`. */
  abort: 0x41, // A
  /** Permission to send more bytes of a stream, as a 32-bit number. */
  credit: 0x57, // W
} as const

/** One event of a pipe. A frame with data yields one event for each piece that arrives. */
export type FrameEvent =
  | { readonly kind: 'message'; readonly text: string }
  | { readonly kind: 'data'; readonly stream: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly stream: number }
  | { readonly kind: 'abort'; readonly stream: number; readonly reason: string }
  | { readonly kind: 'credit'; readonly stream: number; readonly bytes: number }

/** The bytes on the pipe do not follow the protocol, so later bytes cannot be trusted. */
export function protocolError(message: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The client broke the protocol: ${message} The connection is closed.`,
  )
}

/** A message that is longer than the protocol allows. `size` names its length, such as `70000000 bytes`. */
export function tooLong(size: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `It has ${size} of JSON. A message has at most ${maxMessage} bytes.`,
  )
}

/** Returns the frames of a JSON-RPC message. Throws `UNSUPPORTED` if it is too long. */
export function* messageFrames(text: string): Generator<Uint8Array> {
  const size = Buffer.byteLength(text)
  if (size > maxMessage) throw tooLong(`${size} bytes`)
  const bytes = Buffer.from(text)
  let start = 0
  while (bytes.byteLength - start > maxPayload) {
    yield frame(frameTypes.messagePart, 0, bytes.subarray(start, start + maxPayload))
    start += maxPayload
  }
  yield frame(frameTypes.message, 0, bytes.subarray(start))
}

export function endFrame(stream: number): Uint8Array {
  return frame(frameTypes.end, stream, new Uint8Array())
}

/**
 * The longest text of an abort, in UTF-16 units. JSON writes one in at most 6 bytes, so the few texts of an error fit into a
 * frame.
 */
const longestText = 16_000

/** `error` must be an object with a `message`. Its long texts are shortened. */
export function abortFrame(stream: number, error: { readonly message: string }): Uint8Array {
  return frame(frameTypes.abort, stream, Buffer.from(stringifyJson(error, shortened)))
}

function shortened(value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= longestText) return value
  return `${value.slice(0, longestText).replace(/\p{Surrogate}$/u, '')}… (shortened)`
}

export function creditFrame(stream: number, bytes: number): Uint8Array {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(bytes)
  return frame(frameTypes.credit, stream, payload)
}

/** Returns the header of a data frame. The bytes follow it. */
export function dataHeader(stream: number, length: number): Uint8Array {
  return header(frameTypes.data, stream, length)
}

function frame(type: number, stream: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([header(type, stream, payload.byteLength), payload])
}

function header(type: number, stream: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes)
  bytes.writeUInt8(type)
  bytes.writeUInt32BE(stream, 1)
  bytes.writeUInt32BE(length, 5)
  return bytes
}

interface Header {
  readonly type: number
  readonly stream: number
  readonly length: number
}

/** Decodes the frames of a pipe, whose chunks end anywhere. */
export class FrameDecoder {
  /** The bytes of the header, or of the payload of a frame without data, that have arrived. */
  #gathered: Uint8Array[] = []
  #missing = headerBytes
  #messageParts: Uint8Array[] = []
  #messageBytes = 0
  #header: Header | undefined;

  /** Yields the events that a chunk completes. Throws `INVALID_ARGUMENT` for bytes that do not follow the protocol. */
  *decode(chunk: Uint8Array): Generator<FrameEvent> {
    let left = chunk
    while (left.byteLength > 0) {
      const piece = left.subarray(0, this.#missing)
      left = left.subarray(piece.byteLength)
      this.#missing -= piece.byteLength
      if (this.#header?.type === frameTypes.data) {
        yield { kind: 'data', stream: this.#header.stream, bytes: piece }
      } else {
        this.#gathered.push(piece)
      }
      if (this.#missing === 0) yield* this.#complete()
    }
  }

  *#complete(): Generator<FrameEvent> {
    const bytes = Buffer.concat(this.#gathered)
    this.#gathered = []
    if (this.#header === undefined) {
      this.#header = readHeader(bytes)
      this.#missing = this.#header.length
      if (this.#missing > 0) return
      yield* this.#complete()
      return
    }
    const finished = this.#header
    this.#header = undefined
    this.#missing = headerBytes
    const event = this.#eventOf(finished, bytes)
    if (event !== undefined) yield event
  }

  #eventOf({ type, stream }: Header, payload: Buffer): FrameEvent | undefined {
    switch (type) {
      case frameTypes.messagePart:
      case frameTypes.message:
        return this.#messageOf(type === frameTypes.message, payload)
      case frameTypes.end:
        return { kind: 'end', stream }
      case frameTypes.abort:
        return { kind: 'abort', stream, reason: reasonOf(payload) }
      case frameTypes.credit:
        return { kind: 'credit', stream, bytes: payload.readUInt32BE() }
      default:
        return undefined // the pieces of data were yielded as they came
    }
  }

  #messageOf(isLast: boolean, payload: Buffer): FrameEvent | undefined {
    this.#messageParts.push(payload)
    this.#messageBytes += payload.byteLength
    if (this.#messageBytes > maxMessage) throw protocolError(`A message is longer than ${maxMessage} bytes.`)
    if (!isLast) return undefined
    const text = utf8(Buffer.concat(this.#messageParts))
    this.#messageParts = []
    this.#messageBytes = 0
    return { kind: 'message', text }
  }
}

const utf8Decoder = new TextDecoder('utf-8', { fatal: true })

function utf8(bytes: Uint8Array): string {
  try {
    return utf8Decoder.decode(bytes)
  } catch {
    throw protocolError('A text is not UTF-8.')
  }
}

const reasonSchema = v.pipe(v.string(), v.parseJson(), v.object({ message: v.string() }))

function reasonOf(payload: Uint8Array): string {
  const parsed = v.safeParse(reasonSchema, utf8(payload))
  if (parsed.success) return parsed.output.message
  throw protocolError('The reason of an abort must be a JSON object with a message.')
}

function readHeader(bytes: Buffer): Header {
  const type = bytes.readUInt8()
  const stream = bytes.readUInt32BE(1)
  const length = bytes.readUInt32BE(5)
  const fault = faultOf({ type, stream, length })
  if (fault !== undefined) throw protocolError(fault)
  return { type, stream, length }
}

/** Returns what is wrong with a header; `undefined` for a valid one. */
function faultOf({ type, stream, length }: Header): string | undefined {
  if (length > maxPayload) return `A frame has ${length} bytes, more than ${maxPayload}.`
  switch (type) {
    case frameTypes.messagePart:
    case frameTypes.message:
      return stream === 0 ? undefined : 'A message must have the stream number 0.'
    case frameTypes.data:
    case frameTypes.abort:
      return stream === 0 ? 'Stream number 0 is only for messages.' : undefined
    case frameTypes.end:
      return stream === 0 || length > 0
        ? 'The end of a stream must name the stream and have no payload.'
        : undefined
    case frameTypes.credit:
      return stream === 0 || length !== 4 ? 'A credit must name the stream and have 4 bytes.' : undefined
    default:
      return `There is no frame of type ${type}.`
  }
}
