import { createWriteStream } from 'node:fs'
import { type IncomingMessage, get } from 'node:http'
import { pipeline } from 'node:stream/promises'

/** The least that a program for Node.js does to have a body on the disk: no SDK, no digest, no second try. */
export async function downloadByNodeHttp(url: string, to: string): Promise<void> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, resolve).on('error', reject)
  })
  if (answer.statusCode !== 200) {
    answer.resume()
    throw new Error(`The server answered ${answer.statusCode ?? 'nothing'}`)
  }
  await pipeline(answer, createWriteStream(to, { flush: true }))
}
