import { ListMultipartUploadsCommand, type ListMultipartUploadsCommandOutput } from '@aws-sdk/client-s3'
import {
  type RequestInfo,
  foreignAnswer,
  isHoldfastError,
  itemsOf,
  type SweepOptions,
  type SweepReport,
  type UnfinishedWork,
} from '@holdfast/core/backend'
import { type Bucket, bucketAddress } from './bucket.ts'
import { abortUpload } from './multipart.ts'
import { headerOf, send } from './send.ts'

/**
 * Discards multipart uploads that were not completed. S3 keeps and bills them for ever:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html.
 */
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

/**
 * Returns the age in milliseconds. The header `Date` has no fractions of a second, so a new upload may seem to come
 * from the future.
 */
function ageOf(startedAt: Date, now: Date): number {
  return Math.max(0, now.getTime() - startedAt.getTime())
}

interface UnfinishedUpload {
  readonly object: string
  readonly uploadId: string
  readonly startedAt: Date
  /** The time of the response, by the clock of the store. */
  readonly now: Date
}

function unfinishedUploads(bucket: Bucket, signal: AbortSignal | undefined): AsyncIterable<UnfinishedUpload> {
  const info = { what: `Listing the unfinished uploads of ${bucket.names.url}`, signal }
  let prefix = bucket.names.root
  return itemsOf(bucket, info, {
    async page(from?: Markers) {
      let page = await uploadsPage(bucket, info, prefix, from)
      if (prefix !== '' && from === undefined && mayHideUploads(page)) {
        // If this fails, the page is listed again, with the prefix.
        const all = await pageOfAll(bucket, info)
        if (all !== undefined) prefix = ''
        page = all ?? page
      }
      const { answer, now } = page
      const items = (answer.Uploads ?? []).map(({ Key = '', UploadId = '', Initiated = now }) => ({
        object: Key,
        uploadId: UploadId,
        startedAt: Initiated,
        now,
      }))
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = answer
      if (IsTruncated === true && (KeyMarker ?? '') === '')
        throw foreignAnswer(info, 'it does not state where the list continues')
      return { items, next: IsTruncated === true ? { KeyMarker, UploadIdMarker } : undefined }
    },
  })
}

/**
 * Returns whether a list for a prefix may hide uploads. MinIO expects the full name of an object as the prefix (its documentation,
 * "ListMultipartUploads"). A proxy before it may replace the header `Server`, as nginx does
 * (https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_pass_header), so only Amazon S3 is known by its header:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html.
 */
function mayHideUploads({ answer: { Uploads: uploads = [] }, server }: UploadsPage): boolean {
  return uploads.length === 0 && server !== 'AmazonS3'
}

/** Returns the first page of the uploads of the whole bucket; `undefined` if this user may not list them. */
async function pageOfAll(bucket: Bucket, info: RequestInfo): Promise<UploadsPage | undefined> {
  try {
    return await uploadsPage(bucket, info, '', undefined)
  } catch (error) {
    if (isHoldfastError(bucket.errorOf(error, info), 'PERMISSION_DENIED')) return undefined
    throw error
  }
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
  info: RequestInfo,
  prefix: string,
  from: Markers | undefined,
): Promise<UploadsPage> {
  const command = new ListMultipartUploadsCommand({
    ...bucketAddress(bucket),
    Prefix: prefix === '' ? undefined : prefix,
    ...from,
  })
  let response: unknown
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      response = result.response
      return result
    },
    { step: 'deserialize', name: 'holdfastHeaders' },
  )
  const answer = await send(bucket, info, { root: 'ListMultipartUploadsResult' }, command, info.signal)
  const date = Date.parse(headerOf(response, 'date') ?? '')
  return {
    answer,
    now: Number.isNaN(date) ? new Date() : new Date(date),
    server: headerOf(response, 'server'),
  }
}
