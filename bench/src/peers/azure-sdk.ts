import type { ContainerClient } from '@azure/storage-blob'
import { syncFile } from '../harness/bytes.ts'
import { eachFile } from './each-file.ts'
import type { Peer } from './peer.ts'

/** Uses the SDK's own functions that upload and download files. */
export function azureSdk(container: ContainerClient): Peer {
  return {
    name: '@azure/storage-blob',
    upload: async (from, key) => {
      await container.getBlockBlobClient(key).uploadFile(from)
    },
    download: async (key, to) => {
      await container.getBlockBlobClient(key).downloadToFile(to)
      await syncFile(to)
    },
    uploadFolder: (folder, prefix) =>
      eachFile(folder, (path, name) => container.getBlockBlobClient(`${prefix}/${name}`).uploadFile(path)),
  }
}
