/**
 * Serves one object to any GET request for a range, at the least cost: it sends the same buffer again and again. Arguments:
 * the size of the object in bytes, the number of processes that share the work, and the most bytes per millisecond of a
 * connection (0: no limit). Sends its address to its parent. Ends when the parent disconnects.
 */
import cluster from 'node:cluster'
import { createServer, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { cheapBlock } from '../stores/cheap-server.ts'

const [size = 0, processes = 1, rate = 0] = process.argv.slice(2).map(Number)
const pieceBytes = 2 ** 20

if (cluster.isPrimary) startProcesses()
else serve()

function startProcesses(): void {
  for (let index = 0; index < processes; index += 1) cluster.fork()
  let listening = 0
  cluster.on('listening', (_, { port }) => {
    listening += 1
    if (listening === processes) process.send?.(`http://127.0.0.1:${port}`)
  })
  process.on('disconnect', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.kill()
  })
}

function serve(): void {
  const block = cheapBlock()
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined) // the client has left
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const [, start = '0', last = String(size - 1)] = /^range: bytes=(\d+)-(\d+)/im.exec(text) ?? []
      text = text.slice(end + 4)
      void respond(socket, block, Number(start), Math.min(Number(last) + 1, size))
    })
  })
  server.listen(0, '127.0.0.1')
  process.on('disconnect', () => process.exit())
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
