import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { AwsS3StorageAdapter } from '@flystorage/aws-s3'
import { adapter } from '@holdfast/adapter-s3'
import { type RunningServer, startSecureServer, startServer } from '@holdfast/test-servers'
import { setVariables } from '../harness/variables.ts'
import { flystorage } from '../peers/flystorage.ts'
import { opendal } from '../peers/opendal.ts'
import { rclonePeer } from '../peers/rclone.ts'
import { s5cmdPeer } from '../peers/s5cmd.ts'
import { s3Sdk } from '../peers/s3-sdk.ts'
import { dividePeers, nameOf, orStop, type StoreServer, tomorrow } from './store-server.ts'

export async function s3(): Promise<StoreServer | { readonly why: string }> {
  const server = await startServer('minio')
  if (server.how === 'unavailable') return { why: server.reason }
  return orStop(server, () => s3On(server))
}

/** S3 over TLS. Each program reads the certificate authority from a variable of its own. */
export async function s3OverTls(): Promise<StoreServer | { readonly why: string }> {
  const server = await startSecureServer('minio')
  if (server.how === 'unavailable') return { why: server.reason }
  const { authority = '' } = server
  // Holdfast reads AWS_CA_BUNDLE, and programs in Go or Rust SSL_CERT_FILE.
  const restore = setVariables({ AWS_CA_BUNDLE: authority, SSL_CERT_FILE: authority })
  const stop = async (): Promise<void> => {
    restore()
    await server.stop()
  }
  const store = await orStop({ stop }, () => s3On(server))
  return { ...store, name: `${store.name} over TLS`, [Symbol.asyncDispose]: stop }
}

async function s3On(server: RunningServer<'minio'>): Promise<StoreServer> {
  const ca = server.authority === undefined ? undefined : await readFile(server.authority)
  const {
    endpoint,
    region,
    accessKeyId,
    secretAccessKey,
    bucket = `bench-${randomUUID()}`,
  } = server.connection
  const credentials = { accessKeyId, secretAccessKey }
  const clientAt = (origin: string): S3Client =>
    new S3Client({
      endpoint: origin,
      region,
      credentials,
      forcePathStyle: true,
      ...(ca === undefined
        ? {}
        : { requestHandler: { httpsAgent: new Agent({ ca, keepAlive: true, maxSockets: 50 }) } }),
    })
  if (server.connection.bucket === undefined) {
    await clientAt(endpoint).send(new CreateBucketCommand({ Bucket: bucket }))
  }
  return {
    name: `S3 (${nameOf(server)})`,
    origin: endpoint,
    connect: async (origin) => {
      const client = clientAt(origin)
      const flystorageAdapter = new AwsS3StorageAdapter(client, { bucket })
      const place = (path: string) => ({
        url: `s3://${bucket}/${path}`,
        options: { endpoint: origin, region, credentials },
      })
      const peers = [
        s3Sdk(client, bucket),
        flystorage(flystorageAdapter),
        await opendal('s3', {
          endpoint: origin,
          region,
          bucket,
          access_key_id: accessKeyId,
          secret_access_key: secretAccessKey,
        }),
        await rclonePeer(
          `:s3,provider=Minio,region=${region},endpoint='${origin}',access_key_id=${accessKeyId},secret_access_key=${secretAccessKey}`,
          bucket,
          { digests: true },
        ),
        await s5cmdPeer(origin, bucket, {
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          AWS_REGION: region,
        }),
      ]
      return {
        place,
        open: async (path) => {
          const { url, options } = place(path)
          return adapter.open(new URL(url), options)
        },
        ...dividePeers(peers),
        ca,
        url: (key) => flystorageAdapter.temporaryUrl(key, { expiresAt: tomorrow() }),
      }
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
