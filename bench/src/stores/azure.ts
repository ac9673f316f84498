import { randomUUID } from 'node:crypto'
import { BlobServiceClient, type ContainerClient, ContainerSASPermissions } from '@azure/storage-blob'
import { AzureStorageBlobStorageAdapter } from '@flystorage/azure-storage-blob'
import { adapter } from '@holdfast/adapter-azure'
import { type RunningServer, startServer } from '@holdfast/test-servers'
import { azureSdk } from '../peers/azure-sdk.ts'
import { flystorage } from '../peers/flystorage.ts'
import { opendal } from '../peers/opendal.ts'
import { rclonePeer } from '../peers/rclone.ts'
import { dividePeers, nameOf, orStop, type StoreServer, tomorrow } from './store-server.ts'

export async function azure(): Promise<StoreServer | { readonly why: string }> {
  const server = await startServer('azurite')
  if (server.how === 'unavailable') return { why: server.reason }
  return orStop(server, () => azureOn(server))
}

async function azureOn(server: RunningServer<'azurite'>): Promise<StoreServer> {
  const { connectionString } = server.connection
  const parts = new Map(connectionString.split(';').map((part) => splitAtFirst(part, '=')))
  const account = parts.get('AccountName') ?? ''
  const key = parts.get('AccountKey') ?? ''
  const endpoint = parts.get('BlobEndpoint') ?? ''
  const own = new URL(endpoint).origin
  const container = `bench-${randomUUID()}`
  await BlobServiceClient.fromConnectionString(connectionString).createContainer(container)
  return {
    name: `Azure Blob (${nameOf(server)})`,
    origin: own,
    connect: async (origin) => {
      const reached = connectionString.replace(own, origin)
      const client = BlobServiceClient.fromConnectionString(reached).getContainerClient(container)
      const place = (path: string) => ({
        url: `az://${account}/${container}/${path}`,
        options: { connectionString: reached },
      })
      const signed = await signedUrl(client)
      const at = endpoint.replace(own, origin)
      const peers = [
        azureSdk(client),
        flystorage(new AzureStorageBlobStorageAdapter(client)),
        await opendal('azblob', { endpoint: at, container, account_name: account, account_key: key }),
        await rclonePeer(`:azureblob,sas_url='${signed}'`, container, { digests: false }),
      ]
      return {
        place,
        open: async (path) => {
          const { url, options } = place(path)
          return adapter.open(new URL(url), options)
        },
        ...dividePeers(peers),
        url: async (key) => signed.replace('?', `/${key}?`),
      }
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

/** Returns a signed URL of the container. With a key, rclone only reaches accounts that are part of the host name. */
async function signedUrl(container: ContainerClient): Promise<string> {
  return container.generateSasUrl({
    permissions: ContainerSASPermissions.parse('racwdl'),
    expiresOn: tomorrow(),
  })
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
