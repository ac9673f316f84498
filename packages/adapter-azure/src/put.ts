import {
  type PutSource,
  foreignAnswer,
  type PutOptions,
  putObject,
  type PutResult,
  type Stored,
} from '@holdfast/core/backend'
import { beginUpload } from './blocks.ts'
import { isVerifiedBy, md5Of } from './checksum.ts'
import {
  blobOf,
  type Container,
  fromStore,
  inOneRequest,
  payloadOf,
  readingOf,
  storedAs,
} from './container.ts'
import { isCalled } from './errors.ts'

/** Stores an object of up to one block with one Put Blob, and a larger object with blocks and a block list. */
export async function put(
  container: Container,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  return putObject(container, key, source, options, {
    putWhole: (bytes) => putWhole(container, key, bytes, options),
    begin: () => beginUpload(container, key, options),
  })
}

async function putWhole(
  container: Container,
  key: string,
  bytes: Uint8Array,
  { contentType }: PutOptions,
): Promise<Stored> {
  const asked = { what: `The put of ${key}`, key }
  const blob = blobOf(container, key)
  const md5 = md5Of(bytes)
  const options = {
    ...payloadOf(container, contentType),
    metadata: inOneRequest,
    transactionalContentMD5: md5,
  }
  const answer = fromStore(asked, await blob.upload(bytes, bytes.byteLength, options))
  const stored = storedAs(asked, answer, 'store')
  if (isVerifiedBy(answer, md5)) return stored
  try {
    const there = fromStore(asked, await blob.getProperties(readingOf(container)))
    if (isVerifiedBy(there, md5)) return storedAs(asked, there, 'store')
  } catch (error) {
    if (!isCalled(error, 'BlobNotFound')) throw error
  }
  throw foreignAnswer(asked, 'it reports that the object was stored, but the object is missing or different')
}
