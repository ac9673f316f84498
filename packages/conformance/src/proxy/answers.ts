import type { Dialect } from './operation.ts'

/** An answer that the proxy makes up. */
export interface MadeUpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
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
