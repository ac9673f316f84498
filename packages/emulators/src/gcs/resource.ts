import { createHash } from 'node:crypto'
import type { GcsRequest } from './request.ts'
import type { StoredObject } from './model.ts'

/**
 * Returns the resource of an object:
 * https://cloud.google.com/storage/docs/json_api/v1/objects#resource-representations. 64-bit integers are strings.
 */
export function resourceOf(object: StoredObject, { call }: GcsRequest): object {
  const { bucket, name, generation, metageneration } = object
  const self = `http://${call.headers.host ?? ''}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`
  const created = new Date(object.created).toISOString()
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/${generation}`,
    selfLink: self,
    mediaLink: `${self}?generation=${generation}&alt=media`,
    name,
    bucket,
    generation: String(generation),
    metageneration: String(metageneration),
    contentType: object.contentType,
    contentEncoding: object.contentEncoding,
    contentDisposition: object.contentDisposition,
    contentLanguage: object.contentLanguage,
    cacheControl: object.cacheControl,
    storageClass: object.storageClass,
    kmsKeyName: object.kmsKeyName,
    size: String(object.size),
    md5Hash: object.md5Hash,
    crc32c: object.crc32c,
    componentCount: object.components,
    etag: etagOf(object),
    timeCreated: created,
    updated: new Date(object.updated).toISOString(),
    timeStorageClassUpdated: created,
    timeFinalized: created,
    metadata: Object.keys(object.metadata).length === 0 ? undefined : object.metadata,
  }
}

/** Derives the ETag from the generation and the metageneration, as GCS does. Clients must not rely on its form. */
export function etagOf({ generation, metageneration }: StoredObject): string {
  return createHash('md5').update(`${generation}/${metageneration}`).digest('base64').slice(0, 16)
}
