import { assertConditions, conditionsOf } from './conditions.ts'
import { type Context, json, type Run } from './context.ts'
import { describe } from './metadata.ts'
import { assertObjectName } from './names.ts'
import { objectOf } from './objects.ts'
import { type GcsRequest, numberParameter, readJson } from './request.ts'
import { resourceOf } from './resource.ts'
import type { StoredObject } from './model.ts'
import { storeObject } from './store-object.ts'

/**
 * Rewrites an object. One request is enough within a location:
 * https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite.
 */
export const rewriteObject: Run = async (context, request) => {
  const object = await copied(context, request)
  const bytes = String(object.size)
  return json(200, {
    kind: 'storage#rewriteResponse',
    totalBytesRewritten: bytes,
    objectSize: bytes,
    done: true,
    resource: resourceOf(object, request),
  })
}

/** Copies an object: https://cloud.google.com/storage/docs/json_api/v1/objects/copy. */
export const copyObject: Run = async (context, request) =>
  json(200, resourceOf(await copied(context, request), request))

/** Stores a copy. It has the metadata of the source, unless the request contains metadata. */
async function copied(context: Context, request: GcsRequest): Promise<StoredObject> {
  const [fromBucket = '', fromName = '', bucket = '', name = ''] = request.names
  assertObjectName(name)
  const resource = await readJson(request)
  context.state.requireBucket(bucket)
  context.assertAllowed('objects.insert', bucket, name)

  // No await from here until the object is stored, so that the conditions still hold then.
  const source = objectOf(context, fromBucket, fromName, numberParameter(request, 'sourceGeneration'))
  assertConditions(conditionsOf(request, 'ifSource'), source)
  const described = Object.keys(resource).length === 0 ? source : describe(resource)
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl } = described
  const { storageClass, metadata } = described
  const { pieces, size, crc32c, md5Hash, components } = source
  const wanted = {
    bucket,
    name,
    described: {
      contentType,
      contentEncoding,
      contentDisposition,
      contentLanguage,
      cacheControl,
      storageClass,
      metadata,
      kmsKeyName: request.query.get('destinationKmsKeyName'),
    },
    hashes: { crc32c: undefined, md5Hash: undefined },
    conditions: conditionsOf(request),
  }
  return await storeObject(context, wanted, { pieces, size, crc32c, md5Hash, components })
}
