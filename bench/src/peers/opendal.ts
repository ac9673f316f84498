import { createReadStream, createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '../harness/command.ts'
import { eachFile } from './each-file.ts'
import type { MissingPeer, Peer } from './peer.ts'

const chunkBytes = 8 * 2 ** 20

/** Uses the native binding. It is missing if the binding does not load on this machine. */
export async function opendal(
  scheme: string,
  options: Readonly<Record<string, string>>,
): Promise<Peer | MissingPeer> {
  const binding = await import('opendal').catch((error: unknown) => {
    return { why: `it does not load: ${messageOf(error)}` }
  })
  if ('why' in binding) return { name: 'opendal', why: binding.why }
  const operator = new binding.Operator(scheme, { ...options })
  return {
    name: 'opendal',
    upload: async (from, key) => {
      const writer = await operator.writer(key, { chunk: BigInt(chunkBytes) })
      for await (const chunk of createReadStream(from, { highWaterMark: chunkBytes })) {
        await writer.write(chunk as Buffer)
      }
      await writer.close()
    },
    download: async (key, to) => {
      const reader = await operator.reader(key)
      const body = reader.createReadStream({ highWaterMark: chunkBytes })
      await pipeline(body, createWriteStream(to, { flush: true }))
    },
    uploadFolder: async (folder, prefix) => {
      await eachFile(folder, async (path, name) => operator.write(`${prefix}/${name}`, await readFile(path)))
    },
  }
}
