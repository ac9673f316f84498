import {
  type PutSource,
  foreignAnswer,
  type PutOptions,
  putObject,
  type PutResult,
  type RequestInfo,
  type Stored,
} from '@holdfast/core/backend'
import { BlockUpload } from './blocks.ts'
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
import { isCalled, isProtected } from './errors.ts'

/** Stores an object of up to one block with one Put Blob, and a larger object with blocks and a block list. */
export async function put(
  container: Container,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  return putObject(container, key, source, options, {
    putWhole: (bytes, mayBeStored) => putWhole(container, key, bytes, mayBeStored, options),
    begin: () => BlockUpload.begin(container, key, options),
  })
}

async function putWhole(
  container: Container,
  key: string,
  bytes: Uint8Array,
  mayBeStored: boolean,
  { contentType }: PutOptions,
): Promise<Stored> {
  const info = { what: `The put of ${key}`, key }
  const md5 = md5Of(bytes)
  const options = {
    ...payloadOf(container, contentType),
    metadata: inOneRequest,
    transactionalContentMD5: md5,
  }
  try {
    const blob = blobOf(container, key)
    const answer = fromStore(info, await blob.upload(bytes, bytes.byteLength, options))
    const stored = storedAs(info, answer, 'store')
    if (isVerifiedBy(answer, md5)) return stored
  } catch (error) {
    // An immutability policy prevents storing the object again.
    const isRefused = mayBeStored && isProtected(error)
    const there = isRefused ? await storedWith(container, info, md5).catch(() => undefined) : undefined
    if (there !== undefined) return there
    throw error
  }
  const there = await storedWith(container, info, md5).catch((error: unknown) => {
    // As an error of the port, it does not say that the put was not executed.
    throw container.errorOf(error, info)
  })
  if (there !== undefined) return there
  throw foreignAnswer(info, 'it reports that the object was stored, but the object is missing or different')
}

/** Returns the object if it has the MD5. */
async function storedWith(
  container: Container,
  info: RequestInfo & { readonly key: string },
  md5: Uint8Array,
): Promise<Stored | undefined> {
  try {
    const there = fromStore(info, await blobOf(container, info.key).getProperties(readingOf(container)))
    return isVerifiedBy(there, md5) ? storedAs(info, there, 'store') : undefined
  } catch (error) {
    if (isCalled(error, 'BlobNotFound')) return undefined
    throw error
  }
}
