import { createWriteStream } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { pipeline } from 'node:stream/promises'

/**
 * Downloads a body to the disk with as little work as possible: no SDK, no digest, no retries. `ca` is the authority to trust if
 * the URL is that of a server with TLS.
 */
export async function downloadByNodeHttp(url: string, to: string, ca?: Buffer): Promise<void> {
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = ca === undefined ? http.get(url, resolve) : https.get(url, { ca, agent: false }, resolve)
    request.on('error', reject)
  })
  if (answer.statusCode !== 200) {
    answer.resume()
    throw new Error(`The server answered with status ${answer.statusCode ?? 'none'}, not 200`)
  }
  await pipeline(answer, createWriteStream(to, { flush: true }))
}
