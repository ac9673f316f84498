import { json, type Run } from './context.ts'
import { GcsError, invalid } from './errors.ts'
import { isBucketName } from './names.ts'
import { readJson } from './request.ts'

export const getBucket: Run = async ({ state }, { names }) => {
  const [bucket = ''] = names
  return json(200, bucketResource(bucket, state.bucket(bucket)?.created ?? 0))
}

/**
 * Creates a bucket: https://cloud.google.com/storage/docs/json_api/v1/buckets/insert. Settings of the bucket, such
 * as its location, have no effect.
 */
export const insertBucket: Run = async ({ state, now }, request) => {
  const { name } = await readJson(request)
  if (typeof name !== 'string' || !isBucketName(name)) throw invalid(`Invalid bucket name: '${String(name)}'`)
  if (!request.query.has('project')) throw new GcsError(400, 'required', 'Required parameter: project')
  if (state.bucket(name) !== undefined)
    throw new GcsError(
      409,
      'conflict',
      'Your previous request to create the named bucket succeeded and you already own it.',
    )
  const created = now().getTime()
  state.createBucket(name, created)
  return json(200, bucketResource(name, created))
}

function bucketResource(name: string, created: number): object {
  const time = new Date(created).toISOString()
  return {
    kind: 'storage#bucket',
    id: name,
    name,
    projectNumber: '0',
    metageneration: '1',
    location: 'US',
    locationType: 'multi-region',
    storageClass: 'STANDARD',
    etag: 'CAE=',
    timeCreated: time,
    updated: time,
  }
}
