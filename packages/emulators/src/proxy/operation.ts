/** The stores whose requests the proxy recognizes, and in whose form it sends errors. */
export type Dialect = 's3' | 'gcs' | 'azure'

/** The name of an operation in the documentation of the store, or the HTTP method of an unknown operation. */
export type Operation = string

interface Head {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** Returns the store that a request addresses, from the head of the request. */
export function dialectOf({ path, headers }: Head): Dialect {
  if (headers['x-ms-version'] !== undefined) return 'azure'
  if (/^(\/(upload|resumable\/upload|batch))?(\/storage\/v1)?\/b(\/|$)/.test(path)) return 'gcs'
  return path.startsWith('/upload/') || path.startsWith('/storage/v1') ? 'gcs' : 's3'
}

/** Returns the name of the operation of a request. */
export function operationOf(head: Head): Operation {
  return namers[dialectOf(head)](head)
}

const namers: Readonly<Record<Dialect, (head: Head) => Operation>> = {
  s3: s3Operation,
  gcs: gcsOperation,
  azure: azureOperation,
}

/** Names a path-style request as https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html does. */
function s3Operation({ method, path, query, headers }: Head): Operation {
  // The SDK writes two slashes after the name of a directory bucket.
  const ofBucket = /^\/[^/]+\/{0,2}$/.test(path)
  const marker =
    ['uploads', 'uploadId', 'delete', 'list-type', 'session', 'legal-hold'].find((name) => query.has(name)) ??
    ''
  const copies = headers['x-amz-copy-source'] !== undefined
  const names: Readonly<Record<string, Operation>> = ofBucket
    ? {
        'GET list-type': 'ListObjectsV2',
        'GET uploads': 'ListMultipartUploads',
        'GET session': 'CreateSession',
        'POST delete': 'DeleteObjects',
        'HEAD ': 'HeadBucket',
        'PUT ': 'CreateBucket',
      }
    : {
        'GET ': 'GetObject',
        'PUT legal-hold': 'PutObjectLegalHold',
        'GET legal-hold': 'GetObjectLegalHold',
        'HEAD ': 'HeadObject',
        'PUT ': copies ? 'CopyObject' : 'PutObject',
        'DELETE ': 'DeleteObject',
        'POST uploads': 'CreateMultipartUpload',
        'PUT uploadId': copies ? 'UploadPartCopy' : 'UploadPart',
        'POST uploadId': 'CompleteMultipartUpload',
        'DELETE uploadId': 'AbortMultipartUpload',
        'GET uploadId': 'ListParts',
      }
  return names[`${method} ${marker}`] ?? method
}

/**
 * Names a request as https://cloud.google.com/storage/docs/json_api/v1 does. A resumable insert consists of several
 * requests, which have different names here.
 */
function gcsOperation({ method, path, query, headers }: Head): Operation {
  if (path.includes('/upload/')) {
    if (query.get('uploadType') !== 'resumable') return 'objects.insert'
    if (method === 'POST') return 'objects.insert (start)'
    if (method === 'DELETE') return 'objects.insert (cancel)'
    const isStatusRequest = String(headers['content-range'] ?? '').startsWith('bytes */')
    return isStatusRequest ? 'objects.insert (status)' : 'objects.insert (chunk)'
  }
  const [, bucket, , object, action] = /\/b(?:\/([^/]+)(\/o(?:\/([^/]+)(?:\/([^/]+))?)?)?)?$/.exec(path) ?? []
  if (path.includes('/rewriteTo/')) return 'objects.rewrite'
  if (path.includes('/copyTo/')) return 'objects.copy'
  if (path.includes('/moveTo/')) return 'objects.move'
  if (action !== undefined) return `objects.${action}`
  if (object !== undefined && method === 'GET' && query.get('alt') === 'media') return 'objects.get (media)'
  const verbs: Readonly<Record<string, string>> = { GET: 'get', DELETE: 'delete', PATCH: 'patch' }
  if (object !== undefined) return `objects.${verbs[method] ?? method}`
  if (path.endsWith('/o') && method === 'GET') return 'objects.list'
  if (bucket === undefined) return method === 'POST' ? 'buckets.insert' : 'buckets.list'
  return `buckets.${verbs[method] ?? method}`
}

/** Names a request as https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api does. */
function azureOperation({ method, query, headers }: Head): Operation {
  if (query.get('comp') === 'batch') return 'Blob Batch'
  if (query.get('restype') === 'container') {
    if (query.get('comp') === 'list') return 'List Blobs'
    return { PUT: 'Create Container', DELETE: 'Delete Container' }[method] ?? 'Get Container Properties'
  }
  if (query.get('comp') === 'block') return 'Put Block'
  if (query.get('comp') === 'blocklist') return method === 'PUT' ? 'Put Block List' : 'Get Block List'
  if (method === 'PUT') return headers['x-ms-copy-source'] === undefined ? 'Put Blob' : 'Copy Blob'
  return { GET: 'Get Blob', HEAD: 'Get Blob Properties', DELETE: 'Delete Blob' }[method] ?? method
}
