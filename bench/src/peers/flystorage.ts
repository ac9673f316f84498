import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { FileStorage, type StorageAdapter } from '@flystorage/file-storage'
import type { Peer } from './peer.ts'

export function flystorage(adapter: StorageAdapter): Peer {
  const storage = new FileStorage(adapter)
  return {
    name: '@flystorage',
    upload: (from, key) => storage.write(key, createReadStream(from)),
    download: async (key, to) => {
      await pipeline(await storage.read(key), createWriteStream(to, { flush: true }))
    },
  }
}
