import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import {
  fieldOf,
  itemsOf,
  request,
  type SweepOptions,
  type SweepReport,
  textOf,
  type UnfinishedWork,
} from '@holdfast/core'
import { type Bucket, bucketAddress, stoppedBy } from './bucket.ts'
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

function unfinishedUploads(bucket: Bucket, signal: AbortSignal | undefined): AsyncIterable<UnfinishedUpload> {
  let prefix = bucket.names.root
  return itemsOf(async (from?: Markers) => {
    let page = await uploadsPage(bucket, prefix, from, signal)
    if (page.server === 'MinIO' && prefix !== '') {
      // MinIO takes a prefix for the whole name of an object (its documentation, "ListMultipartUploads"): ask for all.
      prefix = ''
      page = await uploadsPage(bucket, prefix, from, signal)
    }
    const { answer, now } = page
    const items = (answer.Uploads ?? []).map(({ Key = '', UploadId = '', Initiated = now }) => ({
      object: Key,
      uploadId: UploadId,
      startedAt: Initiated,
      now,
    }))
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = answer
    return { items, next: answer.IsTruncated === true ? { KeyMarker, UploadIdMarker } : undefined }
  })
}

/** Where a page begins. */
interface Markers {
  readonly KeyMarker: string | undefined
  readonly UploadIdMarker: string | undefined
}

interface UploadsPage {
  readonly answer: ListMultipartUploadsCommandOutput
  readonly now: Date
  readonly server: string | undefined
}

async function uploadsPage(
  bucket: Bucket,
  prefix: string,
  from: Markers | undefined,
  signal: AbortSignal | undefined,
): Promise<UploadsPage> {
  const { client, names } = bucket
  return request(bucket, { what: `Listing the unfinished uploads of ${names.url}`, signal }, async () => {
    const command = new ListMultipartUploadsCommand({ ...bucketAddress(bucket), Prefix: prefix, ...from })
    let response: unknown
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args)
        response = result.response
        return result
      },
      { step: 'deserialize', name: 'holdfastHeaders' },
    )
    const answer = await client.send(command, stoppedBy(signal))
    const headers = fieldOf(response, 'headers')
    const date = Date.parse(textOf(headers, 'date') ?? '')
    return {
      answer,
      now: Number.isNaN(date) ? new Date() : new Date(date),
      server: textOf(headers, 'server'),
    }
  })
}
