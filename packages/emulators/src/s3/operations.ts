import { bodyHeaders } from './body.ts'
import { createBucket, headBucket } from './buckets.ts'
import { checksumAlgorithms, headerOf } from './checksums.ts'
import type { Run } from './context.ts'
import { createSession } from './create-session.ts'
import { copyHeaders, copyObject, uploadPartCopy } from './copy.ts'
import { deleteObjects } from './delete-objects.ts'
import { describingHeaders } from './described.ts'
import { notImplemented } from './errors.ts'
import { getObjectLegalHold, putObjectLegalHold } from './legal-hold.ts'
import { listObjects } from './listing.ts'
import { listMultipartUploads, listParts } from './multipart-listing.ts'
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  uploadPart,
} from './multipart.ts'
import { deleteObject, getObject, headObject, putObject } from './objects.ts'
import type { S3Request } from './request.ts'

/** An operation of S3, with the parameters and headers that it supports. */
export interface Operation {
  readonly name: string
  readonly method: string
  readonly on: 'bucket' | 'object'
  /** The parameter that distinguishes it from other operations with the same method. */
  readonly marker?: string
  /** Whether the request names the source of a copy. Default: false. */
  readonly copies?: true
  readonly query: readonly string[]
  readonly headers: readonly string[]
  readonly run: Run
}

const readHeaders = ['if-match', 'x-amz-checksum-mode']
const writeConditions = ['if-match', 'if-none-match']

/**
 * The operations and parameters that an adapter for checkpoints needs, from
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html.
 */
export const operations: readonly Operation[] = [
  { name: 'HeadBucket', method: 'HEAD', on: 'bucket', query: [], headers: [], run: headBucket },
  { name: 'CreateBucket', method: 'PUT', on: 'bucket', query: [], headers: bodyHeaders, run: createBucket },
  {
    name: 'ListObjectsV2',
    method: 'GET',
    on: 'bucket',
    marker: 'list-type',
    query: ['continuation-token', 'delimiter', 'encoding-type', 'max-keys', 'prefix', 'start-after'],
    headers: [],
    run: listObjects,
  },
  {
    name: 'ListMultipartUploads',
    method: 'GET',
    on: 'bucket',
    marker: 'uploads',
    query: ['encoding-type', 'key-marker', 'max-uploads', 'prefix', 'upload-id-marker'],
    headers: [],
    run: listMultipartUploads,
  },
  {
    name: 'CreateSession',
    method: 'GET',
    on: 'bucket',
    marker: 'session',
    query: [],
    headers: ['x-amz-create-session-mode'],
    run: createSession,
  },
  {
    name: 'DeleteObjects',
    method: 'POST',
    on: 'bucket',
    marker: 'delete',
    query: [],
    headers: bodyHeaders,
    run: deleteObjects,
  },
  {
    name: 'PutObject',
    method: 'PUT',
    on: 'object',
    query: [],
    headers: [...bodyHeaders, ...describingHeaders, ...writeConditions],
    run: putObject,
  },
  {
    name: 'CopyObject',
    method: 'PUT',
    on: 'object',
    copies: true,
    query: [],
    headers: [
      ...copyHeaders,
      ...describingHeaders,
      'x-amz-checksum-algorithm',
      'x-amz-metadata-directive',
      'x-amz-tagging-directive',
    ],
    run: copyObject,
  },
  {
    name: 'GetObject',
    method: 'GET',
    on: 'object',
    query: [],
    headers: [...readHeaders, 'range'],
    run: getObject,
  },
  { name: 'HeadObject', method: 'HEAD', on: 'object', query: [], headers: readHeaders, run: headObject },
  {
    name: 'DeleteObject',
    method: 'DELETE',
    on: 'object',
    query: [],
    headers: ['if-match'],
    run: deleteObject,
  },
  {
    name: 'PutObjectLegalHold',
    method: 'PUT',
    on: 'object',
    marker: 'legal-hold',
    query: [],
    headers: bodyHeaders,
    run: putObjectLegalHold,
  },
  {
    name: 'GetObjectLegalHold',
    method: 'GET',
    on: 'object',
    marker: 'legal-hold',
    query: [],
    headers: [],
    run: getObjectLegalHold,
  },
  {
    name: 'CreateMultipartUpload',
    method: 'POST',
    on: 'object',
    marker: 'uploads',
    query: [],
    headers: [...describingHeaders, 'x-amz-checksum-algorithm', 'x-amz-checksum-type'],
    run: createMultipartUpload,
  },
  {
    name: 'UploadPart',
    method: 'PUT',
    on: 'object',
    marker: 'uploadId',
    query: ['partNumber'],
    headers: bodyHeaders,
    run: uploadPart,
  },
  {
    name: 'UploadPartCopy',
    method: 'PUT',
    on: 'object',
    marker: 'uploadId',
    copies: true,
    query: ['partNumber'],
    headers: [...copyHeaders, 'x-amz-copy-source-range'],
    run: uploadPartCopy,
  },
  {
    name: 'CompleteMultipartUpload',
    method: 'POST',
    on: 'object',
    marker: 'uploadId',
    query: [],
    headers: [
      ...checksumAlgorithms.map(headerOf),
      ...writeConditions,
      'x-amz-checksum-type',
      'x-amz-mp-object-size',
    ],
    run: completeMultipartUpload,
  },
  {
    name: 'AbortMultipartUpload',
    method: 'DELETE',
    on: 'object',
    marker: 'uploadId',
    query: [],
    headers: [],
    run: abortMultipartUpload,
  },
  {
    name: 'ListParts',
    method: 'GET',
    on: 'object',
    marker: 'uploadId',
    query: ['max-parts', 'part-number-marker'],
    headers: [],
    run: listParts,
  },
]

const markers = new Set(operations.flatMap(({ marker = [] }) => marker))

/**
 * Finds the operation of a request.
 *
 * @throws `NotImplemented` if there is none.
 */
export function operationOf({ call, bucket, key, query }: S3Request): Operation {
  const on = key === '' ? 'bucket' : 'object'
  const given = [...query.keys()].filter((name) => markers.has(name))
  const copies = call.headers['x-amz-copy-source'] !== undefined
  const found = operations.find(
    (each) =>
      each.method === call.method &&
      each.on === on &&
      each.marker === given[0] &&
      (each.copies === true) === copies,
  )
  if (found === undefined || bucket === '' || given.length > 1)
    throw notImplemented(`${call.method} of this address`)
  return found
}
