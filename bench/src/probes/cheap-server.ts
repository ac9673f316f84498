/**
 * Serves one object to any GET request for a range, at the least cost: it sends the same buffer again and again. Takes the
 * body of any other request, and counts its bytes. Arguments: the size of the object in bytes, the number of processes that
 * share the work, the most bytes per millisecond of a connection (0: no limit), and for TLS the files with the certificates
 * and the key. Sends its address to its parent. Ends when the parent disconnects.
 */
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { createServer as createSecureServer } from 'node:tls'
import { cheapBlock } from '../stores/cheap-server.ts'
import { CheapUpload } from './cheap-upload.ts'

const [size = 0, processes = 1, rate = 0] = process.argv.slice(2, 5).map(Number)
const [chain, key] = process.argv.slice(5)
const pieceBytes = 2 ** 20

if (cluster.isPrimary) startProcesses()
else serve()

function startProcesses(): void {
  for (let index = 0; index < processes; index += 1) cluster.fork()
  let listening = 0
  cluster.on('listening', (_, { port }) => {
    listening += 1
    if (listening === processes) process.send?.(`${key === undefined ? 'http' : 'https'}://127.0.0.1:${port}`)
  })
  process.on('disconnect', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill()
  })
}

function serve(): void {
  const block = cheapBlock()
  const accept = (socket: Socket): void => {
    converse(socket, block)
  }
  const server =
    chain === undefined || key === undefined
      ? createServer(accept)
      : createSecureServer({ cert: readFileSync(chain), key: readFileSync(key) }, accept)
  server.listen(0, '127.0.0.1')
  process.on('disconnect', () => process.exit())
}

function converse(socket: Socket, block: Uint8Array): void {
  socket.setNoDelay(true)
  socket.on('error', () => undefined) // the client has left
  let text = ''
  let upload: CheapUpload | undefined
  socket.on('data', (bytes) => {
    if (upload !== undefined) {
      if (upload.take(bytes.byteLength)) upload = undefined
      return
    }
    text += bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) return
    const [head, early] = [text.slice(0, end), text.length - end - 4]
    if (!head.startsWith('GET ')) {
      text = ''
      upload = new CheapUpload(socket, head, rate)
      if (upload.take(early)) upload = undefined
      return
    }
    text = text.slice(end + 4)
    const [, start = '0', last = String(size - 1)] = /^range: bytes=(\d+)-(\d+)/im.exec(head) ?? []
    void respond(socket, block, Number(start), Math.min(Number(last) + 1, size))
  })
}

async function respond(socket: Socket, block: Uint8Array, start: number, end: number): Promise<void> {
  socket.write(
    [
      'HTTP/1.1 206 Partial Content',
      `content-length: ${end - start}`,
      `content-range: bytes ${start}-${end - 1}/${size}`,
      'etag: "e"',
      'last-modified: Thu, 01 Jan 1970 00:00:00 GMT',
      '\r\n',
    ].join('\r\n'),
  )
  const began = performance.now()
  let sending: Promise<void> | undefined
  for (let at = start; at < end && !socket.destroyed; ) {
    const offset = at % block.byteLength
    const piece = block.subarray(offset, Math.min(offset + pieceBytes, offset + end - at))
    // One piece is sent while the next one waits.
    await sending
    sending = new Promise((resolve) =>
      socket.write(piece, () => {
        resolve()
      }),
    )
    at += piece.byteLength
    const early = rate === 0 ? 0 : (at - start) / rate - (performance.now() - began)
    if (early > 0) await after(early)
  }
}
