import type { Answer } from '../http/http-server.ts'
import { conditionsOf } from './conditions.ts'
import { type Context, json, type Run } from './context.ts'
import { RunningHashes } from './hashes.ts'
import { invalid } from './errors.ts'
import { describe, type ExpectedHashes, expectedHashes, hashesOfHeader } from './metadata.ts'
import { parseMultipartRelated } from './multipart-related.ts'
import { assertObjectName } from './names.ts'
import { type GcsRequest, header, type JsonObject, parseJson } from './request.ts'
import { resourceOf } from './resource.ts'
import { storeObject, type Wanted } from './store-object.ts'

/**
 * Inserts an object with one request, which has the media alone or the metadata before the media:
 * https://cloud.google.com/storage/docs/json_api/v1/objects/insert.
 */
export const insertObject: Run = async (context, request) => {
  const body = request.call.body()
  const contentType = header(request, 'content-type')
  if (request.query.get('uploadType') === 'media')
    return await insert(context, request, wantedBy(request, {}, contentType), body)
  const { metadata, mediaType, media } = await parseMultipartRelated(body, contentType ?? '')
  return await insert(context, request, wantedBy(request, parseJson(metadata), mediaType), media)
}

/** Collects the name, metadata, hashes and conditions of a new object from a request and its resource. */
export function wantedBy(request: GcsRequest, resource: JsonObject, mediaType: string | undefined): Wanted {
  const [bucket = ''] = request.names
  const { query } = request
  const name = query.get('name') ?? resource['name']
  if (typeof name !== 'string') throw invalid('Required parameter: name')
  if ((resource['name'] ?? name) !== name || (resource['bucket'] ?? bucket) !== bucket)
    throw invalid('The resource and the request name different objects.')
  assertObjectName(name)
  const described = describe(resource)
  return {
    bucket,
    name,
    described: {
      ...described,
      contentType: described.contentType ?? mediaType,
      contentEncoding: query.get('contentEncoding') ?? described.contentEncoding,
      kmsKeyName: query.get('kmsKeyName'),
    },
    hashes: together(expectedHashes(resource), hashesOfHeader(header(request, 'x-goog-hash'))),
    conditions: conditionsOf(request),
  }
}

/** Merges expected hashes. Throws 400 if a hash is given twice with different values. */
export function together(one: ExpectedHashes, other: ExpectedHashes): ExpectedHashes {
  for (const name of ['crc32c', 'md5Hash'] as const)
    if ((one[name] ?? other[name]) !== (other[name] ?? one[name]))
      throw invalid(`The ${name} in the metadata differs from the ${name} in x-goog-hash.`)
  return { crc32c: one.crc32c ?? other.crc32c, md5Hash: one.md5Hash ?? other.md5Hash }
}

async function insert(
  context: Context,
  request: GcsRequest,
  wanted: Wanted,
  media: AsyncIterable<Uint8Array>,
): Promise<Answer> {
  const { files } = context.state
  context.assertAllowed('objects.insert', wanted.bucket, wanted.name)
  const hashes = new RunningHashes()
  const writer = await files.create()
  try {
    for await (const chunk of media) {
      hashes.update(chunk)
      await writer.write(chunk)
    }
  } catch (error) {
    await writer.discard()
    throw error
  }
  const piece = await writer.finish()
  const content = { pieces: [piece], size: piece.size, ...hashes.digests(), components: undefined }
  try {
    return json(200, resourceOf(await storeObject(context, wanted, content), request))
  } catch (error) {
    await files.remove([piece])
    throw error
  }
}
