import { createWriteStream } from 'node:fs'
import { type IncomingMessage, get } from 'node:http'
import { pipeline } from 'node:stream/promises'

/** Downloads a body to the disk with as little work as possible: no SDK, no digest, no retries. */
export async function downloadByNodeHttp(url: string, to: string): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, resolve).on('error', reject)
  })
  if (answer.statusCode !== 200) {
    answer.resume()
    throw new Error(`The server answered with status ${answer.statusCode ?? 'none'}, not 200`)
  }
  await pipeline(answer, createWriteStream(to, { flush: true }))
}
