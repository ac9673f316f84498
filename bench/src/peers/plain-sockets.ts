import { type FileHandle, open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'

/** The size in bytes of the buffer that a socket reads into. It is used again for each read. */
const bufferBytes = 2 ** 19

/** The end of the head of an HTTP response. */
const endOfHead = '\r\n\r\n'

/** Returns a function that takes the bytes of a response as they arrive, and returns those of its body. */
export function bodyAfter(statusLine: string): (bytes: Uint8Array) => Uint8Array {
  let head: string | undefined = ''
  return (bytes) => {
    if (head === undefined) return bytes
    head += Buffer.from(bytes).toString('latin1')
    const length = head.indexOf(endOfHead) + endOfHead.length
    if (length < endOfHead.length) return new Uint8Array()
    if (!head.startsWith(statusLine)) throw new Error(`The server answered: ${head.slice(0, 100)}`)
    const body = bytes.subarray(bytes.byteLength - (head.length - length))
    head = undefined
    return body
  }
}

/**
 * Downloads a body to the disk with the least work that Node.js allows: sockets that read into buffers of their own, no HTTP client,
 * no digest, no retries. Each connection receives one range. It shows what remains for any program in JavaScript.
 */
export async function downloadBySockets(
  url: string,
  to: string,
  { size, connections }: { readonly size: number; readonly connections: number },
): Promise<void> {
  const file = await open(to, 'w')
  try {
    const share = Math.ceil(size / connections)
    const starts = Array.from({ length: connections }, (_, index) => index * share)
    await Promise.all(
      starts.map((start) => receiveRange(new URL(url), file, start, Math.min(size, start + share))),
    )
    await file.sync()
  } finally {
    await file.close()
  }
}

function receiveRange(url: URL, file: FileHandle, start: number, end: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  let position = start
  const bodyOf = bodyAfter('HTTP/1.1 206')
  const take = async (bytes: Uint8Array): Promise<void> => {
    const body = bodyOf(bytes)
    if (body.byteLength > 0) await file.write(body, 0, body.byteLength, position)
    position += body.byteLength
  }
  const socket: Socket = connect({
    host: url.hostname,
    port: Number(url.port),
    onread: {
      buffer: Buffer.allocUnsafeSlow(bufferBytes),
      callback: (count, buffer) => {
        take(buffer.subarray(0, count)).then(
          () => {
            if (position >= end) socket.destroy()
            else socket.resume()
          },
          (error: unknown) => socket.destroy(error as Error),
        )
        return false // it reads on when the bytes are written
      },
    },
  })
  socket.on('error', reject)
  socket.on('close', () => {
    if (position === end) resolve(undefined)
    else reject(new Error(`The server sent ${position - start} of ${end - start} bytes`))
  })
  const range = `bytes=${start}-${end - 1}`
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nRange: ${range}\r\n\r\n`)
  return promise
}
