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

/** What every request to this store has in common. */
export interface Bucket extends ObjectStore {
  readonly requester: Requester
  readonly closeConnections: () => void
  /** Of the JSON API, such as `https://storage.googleapis.com`. */
  readonly endpoint: string
  readonly name: string
  readonly deletesAtOnce: number
  readonly storageClass: StorageClass | undefined
  readonly kmsKeyName: string | undefined
  readonly userProject: string | undefined
}

/** The address of the objects of a bucket, where they are listed. */
export function objectsUrl({ endpoint, name }: Bucket): string {
  return `${endpoint}/storage/v1/b/${encodeURIComponent(name)}/o`
}

export function objectUrl(bucket: Bucket, key: string): string {
  return `${objectsUrl(bucket)}/${encodeURIComponent(bucket.names.object(key))}`
}

/** The address to which objects are uploaded. */
export function uploadUrl({ endpoint, name }: Bucket): string {
  return `${endpoint}/upload/storage/v1/b/${encodeURIComponent(name)}/o`
}

/** Makes one request once, and pays for it as the bucket asks. */
export async function ask(bucket: Bucket, asked: HttpRequest): Promise<HttpAnswer> {
  const { userProject, progress } = bucket
  return send(bucket.requester, { ...asked, progress, query: { ...asked.query, userProject } })
}

/** What is told to the store of an object that it is given. */
export interface ObjectMetadata {
  readonly contentType?: string | undefined
  readonly storageClass?: StorageClass | undefined
  /** The checksum of the bytes to come, for the store to verify. */
  readonly crc32c?: number | undefined
}

/**
 * The metadata of an object as they are sent, in JSON. What everybody may read would else be served from caches for an hour,
 * and compressed text in another form than it is stored (Cloud Storage documentation, "Cache-Control").
 */
export function sentMetadata(bucket: Bucket, key: string, { crc32c, ...metadata }: ObjectMetadata): string {
  return JSON.stringify({
    ...metadata,
    ...(crc32c === undefined ? {} : { crc32c: crc32cBase64(crc32c) }),
    name: bucket.names.object(key),
    cacheControl: 'no-store, no-transform',
  })
}

/** The fields of an object that are asked for (Cloud Storage JSON API, "Objects"). */
export const objectFields = 'name,size,generation,timeCreated,crc32c'

/** What the store tells of an object. */
export interface GcsObject {
  /** With the root. */
  readonly name: string
  readonly size: number
  /** Of exactly this body: no other that the name ever had has the same. */
  readonly generation: string
  readonly timeCreated: Date
  readonly crc32c: number | undefined
}

/** Rejects an answer that is not about an object. */
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

/** The same, of the answer to an upload. Rejects one that is about another object, or about other bytes. */
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
