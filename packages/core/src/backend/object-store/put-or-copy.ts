import type { PutOptions, PutResult } from '../backend.ts'
import { isReopenable, type PutSource, type SourceObject } from '../source/byte-source.ts'
import { copyUnchanged } from './copy-unchanged.ts'
import { copyIfVerified, type ServiceCopy } from './service-copy.ts'

/**
 * Stores a source by a copy of the service, if the source is an object of the same service or an object of the store has its
 * bytes, and the checksum that the service reports of the copy is the one that it verified when the object was stored. After
 * any failure, and after another checksum, the source is read and written by `put`, which replaces the copy. Bytes of an object
 * that an observer must see are always read.
 */
export async function putOrCopy(
  key: string,
  source: PutSource,
  options: PutOptions,
  ways: ServiceCopy,
  put: (options: PutOptions) => Promise<PutResult>,
): Promise<PutResult> {
  const object = objectOf(source, options)
  if (object === undefined && options.unchanged === undefined) return put(options)
  if (object === undefined) return (await copyUnchanged(key, source, options, ways)) ?? put(options)
  const { onProgress = () => undefined, signal } = options
  const copied = await copyIfVerified(key, object, ways, onProgress, signal)
  if (copied === undefined) return put(options)
  onProgress(object.size)
  return { key, size: object.size, sha256: object.sha256, ...copied }
}

/** Returns the object that a source is, unless the put must see its bytes or announces another size. */
function objectOf(source: PutSource, { observe, size }: PutOptions): SourceObject | undefined {
  if (!isReopenable(source) || observe !== undefined) return undefined
  const { object } = source
  return size === undefined || size === object?.size ? object : undefined
}
