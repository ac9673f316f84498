import { EventEmitter } from 'node:events'
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
      await withManyListeners(() => bucket.upload(from, { destination: key }))
    },
    download: async (key, to) => {
      await withManyListeners(() => bucket.file(key).download({ destination: to }))
      await syncFile(to)
    },
    uploadFolder: (folder, prefix) =>
      withManyListeners(() =>
        eachFile(folder, (path, name) => bucket.upload(path, { destination: `${prefix}/${name}` })),
      ),
  }
}

const usual = EventEmitter.defaultMaxListeners
let running = 0

/** The SDK adds eleven listeners to the body of each response, and Node.js warns above ten. Others must not add as many. */
async function withManyListeners<Result>(call: () => Promise<Result>): Promise<Result> {
  running += 1
  EventEmitter.defaultMaxListeners = 20
  try {
    return await call()
  } finally {
    running -= 1
    if (running === 0) EventEmitter.defaultMaxListeners = usual
  }
}
