import type { Dialect } from './operation.ts'

type Headers = Readonly<Record<string, string>>

/** An answer that the proxy makes up. */
export interface MadeUpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/**
 * The usual code of each status. Sources: Amazon S3 API Reference, "Error responses"; Cloud Storage JSON API,
 * "HTTP status and error codes for JSON"; Azure Storage REST API, "Blob Storage error codes". S3 itself has no 429:
 * relatives of it do.
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

/** An error as the store would give it, with a message that names the proxy, so that nobody looks for it elsewhere. */
export function errorAnswer(dialect: Dialect, status: number, code?: string): MadeUpAnswer {
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

/** What a captive portal answers to everything. */
export function htmlPage(status = 200, headers: Headers = {}): MadeUpAnswer {
  const body =
    '<!DOCTYPE html>\n<html><head><title>Log in</title></head><body><p>Accept the terms.</p></body></html>\n'
  return { status, headers: { 'content-type': 'text/html; charset=utf-8', ...lowerCased(headers) }, body }
}

/** A list without objects, in the store's own form, which ends here or names a next page. */
export function emptyList(dialect: Dialect, next?: string): MadeUpAnswer {
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

/** The same list with its objects in the opposite order. */
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
