import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of an answer: the client gets it, gets none, or gets this many bytes of it. */
export type Fate = 'passes' | 'is lost' | number

export interface LossyProxy extends AsyncDisposable {
  readonly url: string
}

/** Stands before a server that carries out every request, and loses the answers to those that `fateOf` chooses. */
export async function lossyProxy(
  target: string,
  fateOf: (asked: IncomingMessage) => Fate,
): Promise<LossyProxy> {
  const server = createServer((asked, answer) => {
    const { method, headers } = asked
    const fate = fateOf(asked)
    const passedOn = request(new URL(asked.url ?? '', target), { method, headers }, (given) => {
      void given.toArray().then((chunks) => {
        const body = Buffer.concat(chunks)
        if (fate === 'is lost') {
          answer.destroy()
          return
        }
        answer.writeHead(given.statusCode ?? 500, { ...given.headers })
        if (fate === 'passes') answer.end(body)
        else answer.write(body.subarray(0, fate), () => answer.destroy())
      })
    })
    asked.pipe(passedOn)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
