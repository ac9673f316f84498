import {
  type PutSource,
  foreignAnswer,
  isHoldfastError,
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
import { isCalled, isProtected, mayHaveHappened } from './errors.ts'

/** Stores an object of up to one block with one Put Blob, and a larger object with blocks and a block list. */
export async function put(
  container: Container,
  key: string,
  source: PutSource,
  options: PutOptions,
): Promise<PutResult> {
  return putObject(container, key, source, options, {
    putWhole: wholePut(container, key, options),
    begin: () => beginUpload(container, key, options),
  })
}

/**
 * Returns a function that stores bytes with one request. It remembers whether an earlier request may have stored them: if its
 * response was lost, an immutability policy prevents storing the object again.
 */
function wholePut(
  container: Container,
  key: string,
  { contentType }: PutOptions,
): (bytes: Uint8Array) => Promise<Stored> {
  const asked = { what: `The put of ${key}`, key }
  const blob = blobOf(container, key)
  let mayBeThere = false

  /** Returns the object if it has the MD5. */
  const stored = async (md5: Uint8Array): Promise<Stored | undefined> => {
    try {
      const there = fromStore(asked, await blob.getProperties(readingOf(container)))
      return isVerifiedBy(there, md5) ? storedAs(asked, there, 'store') : undefined
    } catch (error) {
      if (isCalled(error, 'BlobNotFound')) return undefined
      throw error
    }
  }

  return async (bytes) => {
    const md5 = md5Of(bytes)
    const options = {
      ...payloadOf(container, contentType),
      metadata: inOneRequest,
      transactionalContentMD5: md5,
    }
    try {
      const answer = fromStore(asked, await blob.upload(bytes, bytes.byteLength, options))
      const told = storedAs(asked, answer, 'store')
      if (isVerifiedBy(answer, md5)) return told
    } catch (error) {
      const there = mayBeThere && isProtected(error) ? await stored(md5).catch(() => undefined) : undefined
      if (there !== undefined) return there
      mayBeThere ||= isHoldfastError(error) || mayHaveHappened(error)
      throw error
    }
    mayBeThere = true
    const there = await stored(md5)
    if (there !== undefined) return there
    throw foreignAnswer(
      asked,
      'it reports that the object was stored, but the object is missing or different',
    )
  }
}
