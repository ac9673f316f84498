import { randomUUID } from 'node:crypto'
import { Storage } from '@google-cloud/storage'
import { adapter } from '@holdfast/adapter-gcs'
import { type RunningServer, startServer } from '@holdfast/test-servers'
import { gcsSdk } from '../peers/gcs-sdk.ts'
import { opendal } from '../peers/opendal.ts'
import { rclonePeer } from '../peers/rclone.ts'
import { dividePeers, nameOf, orStop, type StoreServer } from './store-server.ts'

export async function gcs(): Promise<StoreServer | { readonly why: string }> {
  const server = await startServer('fake-gcs-server')
  if (server.how === 'unavailable') return { why: server.reason }
  return orStop(server, () => gcsOn(server))
}

async function gcsOn(server: RunningServer<'fake-gcs-server'>): Promise<StoreServer> {
  const { endpoint } = server.connection
  const bucket = `bench-${randomUUID()}`
  const made = await fetch(`${endpoint}/storage/v1/b`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: bucket }),
  })
  if (!made.ok) throw new Error(`The bucket ${bucket} could not be created: ${await made.text()}`)
  return {
    name: `GCS (${nameOf(server)})`,
    origin: endpoint,
    connect: async (origin) => {
      const place = (path: string) => ({ url: `gs://${bucket}/${path}`, options: { endpoint: origin } })
      const client = new Storage({
        apiEndpoint: origin,
        projectId: 'bench',
        useAuthWithCustomEndpoint: false,
      })
      const peers = [
        gcsSdk(client, bucket),
        await opendal('gcs', {
          endpoint: origin,
          bucket,
          allow_anonymous: 'true',
          disable_vm_metadata: 'true',
          disable_config_load: 'true',
        }),
        await rclonePeer(`:gcs,anonymous=true,endpoint='${origin}/storage/v1/'`, bucket, { digests: true }),
      ]
      return {
        place,
        open: async (path) => {
          const { url, options } = place(path)
          return adapter.open(new URL(url), options)
        },
        ...dividePeers(peers),
        url: async (key) => `${origin}/storage/v1/b/${bucket}/o/${encodeURIComponent(key)}?alt=media`,
      }
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
