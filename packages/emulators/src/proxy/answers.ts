import type { Dialect } from './operation.ts'

type Headers = Readonly<Record<string, string>>

/** A response that the proxy sends instead of the server. */
export interface InjectedResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/**
 * The usual error code of each status, for each store. Sources:
 *
 * - S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. S3 itself does not return 429, but
 *   compatible servers do.
 * - Google Cloud Storage: https://cloud.google.com/storage/docs/json_api/v1/status-codes.
 * - Azure: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes.
 */
const codes: Readonly<Record<Dialect, Readonly<Record<number, string>>>> = {
  s3: {
    200: 'InternalError',
    409: 'ConditionalRequestConflict',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'SlowDown',
  },
  gcs: { 409: 'conflict', 429: 'rateLimitExceeded', 500: 'backendError', 503: 'backendError' },
  azure: { 409: 'BlobHasBeenModified', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServerBusy' },
}

/** Returns an error in the form of the store. Its message names the proxy, so that its origin is visible. */
export function errorAnswer(dialect: Dialect, status: number, code?: string): InjectedResponse {
  const name = code ?? codes[dialect][status] ?? codes[dialect][500] ?? 'InternalError'
  const message = 'Injected by the proxy.'
  if (dialect === 'gcs') {
    const error = { code: status, message, errors: [{ domain: 'global', reason: name, message }] }
    return {
      status,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: JSON.stringify({ error }),
    }
  }
  const xml = `<Error><Code>${name}</Code><Message>${message}</Message><RequestId>injected</RequestId></Error>`
  return {
    status,
    headers: {
      'content-type': 'application/xml',
      ...(dialect === 'azure' ? { 'x-ms-error-code': name } : { 'x-amz-request-id': 'injected' }),
    },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${xml}`,
  }
}

function lowerCased(headers: Headers): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** Returns a web page such as that of a captive portal, which replaces every response. */
export function htmlPage(status = 200, headers: Headers = {}): InjectedResponse {
  const body =
    '<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><p>Accept the terms.</p></body></html>\n'
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...lowerCased(headers) }, body }
}

/** Returns a list without objects in the form of the store. It is the last page, unless `next` names a next page. */
export function emptyList(dialect: Dialect, next?: string): InjectedResponse {
  if (dialect === 'gcs') {
    const page = { kind: 'storage#objects', ...(next === undefined ? {} : { nextPageToken: next }) }
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=UTF-8' },
      body: JSON.stringify(page),
    }
  }
  const list =
    dialect === 's3'
      ? `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix/><KeyCount>0</KeyCount>` +
        `<MaxKeys>1000</MaxKeys><IsTruncated>${next !== undefined}</IsTruncated>` +
        `${next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`
      : `<EnumerationResults ServiceEndpoint="http://injected/" ContainerName="container"><Prefix/><Blobs/>` +
        `<NextMarker>${next ?? ''}</NextMarker></EnumerationResults>`
  return {
    status: 200,
    headers: {
      'content-type': 'application/xml',
      ...(dialect === 'azure'
        ? { 'x-ms-request-id': 'injected', 'x-ms-version': '2025-01-05' }
        : { 'x-amz-request-id': 'injected' }),
    },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${list}`,
  }
}

/** Returns a list with its objects in reverse order. */
export function reversedList(dialect: Dialect, body: string): string {
  if (dialect === 'gcs') {
    const page = JSON.parse(body) as { items?: unknown[] }
    return JSON.stringify({
      ...page,
      ...(page.items === undefined ? {} : { items: page.items.toReversed() }),
    })
  }
  const entry = dialect === 's3' ? /<Contents>.*?<\/Contents>/gs : /<Blob>.*?<\/Blob>/gs
  const entries = body.match(entry) ?? []
  return body.replace(entry, () => entries.pop() ?? '')
}
