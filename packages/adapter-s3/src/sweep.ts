import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import { request, type SweepOptions, type SweepReport, type UnfinishedWork } from '@holdfast/core'
import { type Bucket, stoppedBy } from './bucket.ts'
import { abortUpload } from './multipart.ts'

/** Discards multipart uploads that were begun and never completed. S3 keeps them, and bills them, for ever. */
export async function sweep(bucket: Bucket, options: SweepOptions): Promise<SweepReport> {
  const { olderThan, prefix = '', only = () => true, dryRun = false, signal } = options
  const { names } = bucket
  const discarded: UnfinishedWork[] = []
  let left = 0
  for await (const { object, uploadId, startedAt, now } of unfinishedUploads(bucket, signal)) {
    if (!object.startsWith(names.root)) continue
    const key = names.key(object)
    if (!key.startsWith(prefix) || ageOf(startedAt, now) < olderThan || !only(key)) {
      left += 1
      continue
    }
    if (!dryRun) await abortUpload(bucket, key, uploadId, signal)
    discarded.push({ key, startedAt })
  }
  return { discarded, left }
}

/** Milliseconds. The header that tells the time has no fractions of a second, so the youngest seem to come from the future. */
function ageOf(startedAt: Date, now: Date): number {
  return Math.max(0, now.getTime() - startedAt.getTime())
}

interface UnfinishedUpload {
  readonly object: string
  readonly uploadId: string
  readonly startedAt: Date
  /** By the store's own clock. */
  readonly now: Date
}

async function* unfinishedUploads(
  bucket: Bucket,
  signal: AbortSignal | undefined,
): AsyncGenerator<UnfinishedUpload> {
  let page = await uploadsPage(bucket, bucket.names.root, undefined, signal)
  // MinIO takes a prefix for the whole name of an object (its documentation, "ListMultipartUploads"): ask for all.
  const prefix = page.server === 'MinIO' ? '' : bucket.names.root
  if (prefix !== bucket.names.root) page = await uploadsPage(bucket, prefix, undefined, signal)
  for (;;) {
    const { answer, now } = page
    for (const { Key, UploadId, Initiated } of answer.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined) continue
      yield { object: Key, uploadId: UploadId, startedAt: Initiated ?? now, now }
    }
    if (answer.IsTruncated !== true) return
    page = await uploadsPage(bucket, prefix, answer, signal)
  }
}

interface UploadsPage {
  readonly answer: ListMultipartUploadsCommandOutput
  readonly now: Date
  readonly server: string | undefined
}

async function uploadsPage(
  bucket: Bucket,
  prefix: string,
  after: ListMultipartUploadsCommandOutput | undefined,
  signal: AbortSignal | undefined,
): Promise<UploadsPage> {
  const { client, name, names, requesterPays } = bucket
  return request(bucket, { what: `Listing the unfinished uploads of ${names.url}`, signal }, async () => {
    const command = new ListMultipartUploadsCommand({
      Bucket: name,
      Prefix: prefix,
      ...(after === undefined
        ? {}
        : { KeyMarker: after.NextKeyMarker, UploadIdMarker: after.NextUploadIdMarker }),
      ...(requesterPays ? { RequestPayer: 'requester' } : {}),
    })
    let headers: Readonly<Record<string, string>> = {}
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        headers = headersOf(result.response)
        return result
      },
      { step: 'deserialize', name: 'holdfastHeaders' },
    )
    const answer = await client.send(command, stoppedBy(signal))
    const date = Date.parse(headers['date'] ?? '')
    return { answer, now: Number.isNaN(date) ? new Date() : new Date(date), server: headers['server'] }
  })
}

function headersOf(response: unknown): Readonly<Record<string, string>> {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return {}
  return response.headers as Readonly<Record<string, string>>
}
