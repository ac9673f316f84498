import { throwIfAborted } from '../../errors.ts'
import type { PutOptions, PutResult } from '../backend.ts'
import { isReopenable, type PutSource, type SourceObject } from '../source/byte-source.ts'
import type { Stored } from './put-object.ts'

/** Lets a service copy an object to the key of a put. */
export interface ServiceCopy {
  /** Returns what the service reports of the copy; `undefined` if it cannot copy the object. */
  readonly copy: (
    object: SourceObject,
    report: (bytes: number) => void,
  ) => Promise<Pick<Stored, 'revision' | 'storeDigest' | 'storedAt'> | undefined>
}

/**
 * Stores a source by a copy of the service, if the source is an object of the same service, and the checksum that the service
 * reports of the copy is the one that it verified when the object was stored. After any failure, and after another checksum,
 * the source is read and written by `put`, which replaces the copy. Bytes that an observer must see are always read.
 */
export async function putOrCopy(
  key: string,
  source: PutSource,
  options: PutOptions,
  { copy }: ServiceCopy,
  put: (options: PutOptions) => Promise<PutResult>,
): Promise<PutResult> {
  const object = objectOf(source, options)
  if (object === undefined) return put(options)
  let reported = 0
  const onProgress = (bytes: number): void => {
    if (bytes <= reported && bytes < object.size) return
    reported = bytes
    options.onProgress?.(bytes)
  }
  const copied = await attempt(object, copy, onProgress, options.signal, key)
  if (copied === undefined) return put({ ...options, onProgress })
  onProgress(object.size)
  return { key, size: object.size, sha256: object.sha256, ...copied }
}

/** Returns the object that a source is, unless the put must see its bytes or announces another size. */
function objectOf(source: PutSource, { observe, size }: PutOptions): SourceObject | undefined {
  if (!isReopenable(source) || observe !== undefined) return undefined
  const { object } = source
  return size === undefined || size === object?.size ? object : undefined
}

async function attempt(
  object: SourceObject,
  copy: ServiceCopy['copy'],
  onProgress: (bytes: number) => void,
  signal: AbortSignal | undefined,
  key: string,
): ReturnType<ServiceCopy['copy']> {
  const { storeDigest } = object
  if (storeDigest === undefined) return undefined
  try {
    // The full size is reported only when the checksum is known.
    const copied = await copy(object, (bytes) => {
      if (bytes < object.size) onProgress(bytes)
    })
    const isSame =
      copied?.storeDigest?.origin === 'store' &&
      copied.storeDigest.algorithm === storeDigest.algorithm &&
      copied.storeDigest.value === storeDigest.value
    return isSame ? copied : undefined
  } catch {
    // Reading and writing decides: it succeeds, or fails with the reason.
    throwIfAborted(signal, `The put of ${key}`, { key })
    return undefined
  }
}
