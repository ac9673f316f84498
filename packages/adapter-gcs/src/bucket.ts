import {
  crc32cBase64,
  foreignAnswer,
  type ObjectStat,
  type ObjectStore,
  parseCrc32c,
  type Stored,
  stringFieldOf,
  wholeSeconds,
} from '@holdfast/core/backend'
import { storeDigestOf } from './checksum.ts'
import type { StorageClass } from './options.ts'
import { type HttpAnswer, type HttpRequest, type Requester, send } from './send.ts'

/** The settings that all requests to a bucket share. */
export interface Bucket extends ObjectStore {
  readonly requester: Requester
  readonly closeConnections: () => void
  /** The endpoint of the JSON API, such as `https://storage.googleapis.com`. */
  readonly endpoint: string
  readonly name: string
  readonly deletesAtOnce: number
  readonly storageClass: StorageClass | undefined
  readonly kmsKeyName: string | undefined
  readonly userProject: string | undefined
}

/** Returns the URL that lists the objects of a bucket. */
export function objectsUrl({ endpoint, name }: Bucket): string {
  return `${endpoint}/storage/v1/b/${encodeURIComponent(name)}/o`
}

export function objectUrl(bucket: Bucket, key: string): string {
  return `${objectsUrl(bucket)}/${encodeURIComponent(bucket.names.object(key))}`
}

/** Returns the URL for uploads. */
export function uploadUrl({ endpoint, name }: Bucket): string {
  return `${endpoint}/upload/storage/v1/b/${encodeURIComponent(name)}/o`
}

/** Sends one request without retrying, with the project that pays for it. */
export async function ask(bucket: Bucket, info: HttpRequest): Promise<HttpAnswer> {
  const { userProject, progress } = bucket
  return send(bucket.requester, { ...info, progress, query: { ...info.query, userProject } })
}

/** The metadata of an object to store. */
export interface ObjectMetadata {
  readonly contentType?: string | undefined
  readonly storageClass?: StorageClass | undefined
  /** The checksum of the bytes, which the store verifies. */
  readonly crc32c?: number | undefined
}

/**
 * Returns the metadata of an object as JSON. Without `cacheControl`, caches serve public objects for an hour, and the
 * store may serve compressed text in another form than it was stored:
 * https://cloud.google.com/storage/docs/metadata#cache-control.
 */
export function sentMetadata(bucket: Bucket, key: string, { crc32c, ...metadata }: ObjectMetadata): string {
  return JSON.stringify({
    ...metadata,
    ...(crc32c === undefined ? {} : { crc32c: crc32cBase64(crc32c) }),
    name: bucket.names.object(key),
    cacheControl: 'no-store, no-transform',
  })
}

/** The fields of an object to request: https://cloud.google.com/storage/docs/json_api/v1/objects. */
export const objectFields = 'name,size,generation,timeCreated,crc32c'

/** The description of an object by the store. */
export interface GcsObject {
  /** The name, including the root. */
  readonly name: string
  readonly size: number
  /** Identifies exactly this body. No other body of the name ever has the same generation. */
  readonly generation: string
  readonly timeCreated: Date
  readonly crc32c: number | undefined
}

/** Parses the description of an object. Throws for any other response. */
export function parseObject(answer: unknown): GcsObject {
  const text = (name: string): string => stringFieldOf(answer, name) ?? ''
  const object = {
    name: text('name'),
    size: Number(text('size') || Number.NaN),
    generation: text('generation'),
    timeCreated: new Date(text('timeCreated')),
    crc32c: parseCrc32c(text('crc32c')),
  }
  const { name, size, generation, timeCreated } = object
  if (name === '' || generation === '' || !Number.isSafeInteger(size) || Number.isNaN(timeCreated.getTime()))
    throw foreignAnswer({ what: 'The request' }, 'it does not describe an object')
  return object
}

export function statOf({ names }: Bucket, object: GcsObject): ObjectStat {
  const { name, size, timeCreated, generation } = object
  return { key: names.key(name), size, modifiedAt: wholeSeconds(timeCreated), revision: generation }
}

/** Parses the response to an upload. Throws if it describes another object or other bytes. */
export function parseUploaded(
  bucket: Bucket,
  key: string,
  answer: unknown,
  sent: { readonly size: number; readonly crc32c: number },
): GcsObject {
  const object = parseObject(answer)
  const isOther = object.name !== bucket.names.object(key) || object.size !== sent.size
  if (isOther || (object.crc32c ?? sent.crc32c) !== sent.crc32c)
    throw foreignAnswer({ what: `The upload of ${key}`, key }, 'it describes another object')
  return object
}

export function storedAs({ generation, crc32c, timeCreated }: GcsObject): Stored {
  return { revision: generation, storeDigest: storeDigestOf(crc32c), storedAt: wholeSeconds(timeCreated) }
}
