import { throwIfAborted } from '../../errors.ts'
import type { ReadableObject, ReadOptions } from '../backend.ts'
import type { SourceObject } from '../source/byte-source.ts'
import type { Stored } from './put-object.ts'

/** What the service reports of a copy. */
type Copied = Pick<Stored, 'revision' | 'storeDigest' | 'storedAt'>

/** Lets a service copy an object to the key of a put. */
export interface ServiceCopy {
  /** Returns what the service reports of the copy; `undefined` if it cannot copy the object. */
  readonly copy: (object: SourceObject, report: (bytes: number) => void) => Promise<Copied | undefined>
  /** Reads an object of the store of the put. */
  readonly read: (key: string, options: ReadOptions) => Promise<ReadableObject>
}

/** Returns `undefined` if the service did not copy the object, or reports another checksum. */
export async function copyIfVerified(
  key: string,
  object: SourceObject,
  { copy }: ServiceCopy,
  onProgress: ((bytes: number) => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<Copied | undefined> {
  const { storeDigest } = object
  if (storeDigest === undefined) return undefined
  try {
    // The full size is reported only when the checksum is known.
    const copied = await copy(object, (bytes) => {
      if (bytes < object.size) onProgress?.(bytes)
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
