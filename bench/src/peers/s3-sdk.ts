import { createReadStream, createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { eachFile } from './each-file.ts'
import type { Peer } from './peer.ts'

/** Uses the SDK's uploader, with its default part size and concurrency. */
export function s3Sdk(client: S3Client, bucket: string): Peer {
  return {
    name: '@aws-sdk/lib-storage',
    upload: async (from, key) => {
      const params = { Bucket: bucket, Key: key, Body: createReadStream(from) }
      await new Upload({ client, params }).done()
    },
    download: async (key, to) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      if (!(Body instanceof Readable)) throw new Error(`The response to the read of ${key} has no body`)
      await pipeline(Body, createWriteStream(to, { flush: true }))
    },
    uploadFolder: (folder, prefix) =>
      eachFile(folder, async (path, name) => {
        const Body = await readFile(path)
        return client.send(new PutObjectCommand({ Bucket: bucket, Key: `${prefix}/${name}`, Body }))
      }),
  }
}
