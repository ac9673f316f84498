import type { Storage } from '@google-cloud/storage'
import { syncFile } from '../harness/bytes.ts'
import { eachFile } from './each-file.ts'
import type { Peer } from './peer.ts'

/** Uses the SDK's own upload, which is resumable for large files, and its own download. */
export function gcsSdk(client: Storage, bucketName: string): Peer {
  const bucket = client.bucket(bucketName)
  return {
    name: '@google-cloud/storage',
    upload: async (from, key) => {
      await bucket.upload(from, { destination: key })
    },
    download: async (key, to) => {
      await bucket.file(key).download({ destination: to })
      await syncFile(to)
    },
    uploadFolder: (folder, prefix) =>
      eachFile(folder, (path, name) => bucket.upload(path, { destination: `${prefix}/${name}` })),
  }
}
