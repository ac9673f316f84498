import { open } from 'node:fs/promises'
import type { Storage } from '@google-cloud/storage'
import type { Peer } from './peer.ts'

/** The SDK's own upload, resumable above its threshold, and its own download. */
export function gcsSdk(client: Storage, bucketName: string): Peer {
  const bucket = client.bucket(bucketName)
  return {
    name: '@google-cloud/storage',
    upload: async (from, key) => {
      await bucket.upload(from, { destination: key })
    },
    download: async (key, to) => {
      await bucket.file(key).download({ destination: to })
      await synced(to)
    },
  }
}

/** As durable as what it is held against. */
async function synced(path: string): Promise<void> {
  await using handle = await open(path, 'r+')
  await handle.sync()
}
