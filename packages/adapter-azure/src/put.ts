import { type ByteSource, type PutOptions, putObject, type PutResult, type Stored } from '@holdfast/core'
import { beginUpload } from './blocks.ts'
import { md5Of } from './checksum.ts'
import { blobOf, type Container, inOneRequest, payloadOf, storedAs } from './container.ts'

/** One Put Blob for what fits a block; staged blocks, several at once, and their list for what does not. */
export async function put(
  container: Container,
  key: string,
  source: ByteSource,
  options: PutOptions,
): Promise<PutResult> {
  return putObject(container, key, source, options, {
    putWhole: (bytes) => putWhole(container, key, bytes, options),
    begin: async () => beginUpload(container, key, options),
  })
}

async function putWhole(
  container: Container,
  key: string,
  bytes: Uint8Array,
  { contentType }: PutOptions,
): Promise<Stored> {
  const answer = await blobOf(container, key).upload(bytes, bytes.byteLength, {
    ...payloadOf(container, contentType),
    metadata: inOneRequest,
    transactionalContentMD5: md5Of(bytes),
  })
  return storedAs(answer, 'store')
}
