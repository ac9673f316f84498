import type { Answer } from '../http/http-server.ts'
import { assertConditions, assertReadConditions, conditionsOf } from './conditions.ts'
import { type Context, json, type Run } from './context.ts'
import { GcsError, noSuchObject, notImplemented } from './errors.ts'
import { describe } from './metadata.ts'
import { type GcsRequest, header, numberParameter, readJson } from './request.ts'
import { etagOf, resourceOf } from './resource.ts'
import type { StoredObject } from './model.ts'

/** Returns the object that a request names. If the request names a generation, the object must have it. */
export function objectOf(
  { state }: Context,
  bucket: string,
  name: string,
  generation: number | undefined,
): StoredObject {
  const object = state.object(bucket, name)
  const isOther = generation !== undefined && generation !== object?.generation
  if (object === undefined || isOther) throw noSuchObject(bucket, name)
  return object
}

function named(context: Context, request: GcsRequest): StoredObject {
  const [bucket = '', name = ''] = request.names
  return objectOf(context, bucket, name, numberParameter(request, 'generation'))
}

/**
 * Returns the resource of an object, or with `alt=media` its bytes:
 * https://cloud.google.com/storage/docs/json_api/v1/objects/get.
 */
export const getObject: Run = async (context, request) => {
  const conditions = conditionsOf(request)
  const object = named(context, request)
  assertReadConditions(conditions, object)
  const alt = request.query.get('alt') ?? 'json'
  if (alt === 'json') return json(200, resourceOf(object, request))
  if (alt !== 'media') throw notImplemented(`alt=${alt}`)
  return media(context, request, object)
}

function media({ state }: Context, request: GcsRequest, object: StoredObject): Answer {
  const accepted = header(request, 'accept-encoding') ?? ''
  if (object.contentEncoding === 'gzip' && !accepted.includes('gzip'))
    throw notImplemented('decompressive transcoding')
  const { size } = object
  const range = rangeOf(header(request, 'range'), size)
  const { start, end } = range ?? { start: 0, end: size }
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...mediaHeaders(object),
      'content-length': end - start,
      'content-range': range === undefined ? undefined : `bytes ${start}-${end - 1}/${size}`,
    },
    body: state.files.read(object.pieces, start, end),
  }
}

function mediaHeaders(object: StoredObject): Readonly<Record<string, string | number | undefined>> {
  const md5 = object.md5Hash === undefined ? '' : `,md5=${object.md5Hash}`
  return {
    'content-type': object.contentType,
    'content-encoding': object.contentEncoding,
    'content-disposition': object.contentDisposition,
    'content-language': object.contentLanguage,
    'cache-control': object.cacheControl,
    'accept-ranges': 'bytes',
    etag: etagOf(object),
    'last-modified': new Date(object.updated).toUTCString(),
    'x-goog-generation': object.generation,
    'x-goog-metageneration': object.metageneration,
    'x-goog-hash': `crc32c=${object.crc32c}${md5}`,
    'x-goog-storage-class': object.storageClass,
    'x-goog-stored-content-encoding': object.contentEncoding ?? 'identity',
    'x-goog-stored-content-length': object.size,
  }
}

/** Parses one range of bytes (RFC 9110, "Range Requests"). An invalid header is ignored. */
function rangeOf(
  text: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | undefined {
  if (text?.includes(',') === true) throw notImplemented('several ranges')
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text ?? '') ?? []
  if (text === undefined || (first === '' && last === '')) return undefined
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(Number(last) + 1, size)
  if (start >= end) throw new GcsError(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable')
  return { start, end }
}

export const deleteObject: Run = async (context, request) => {
  const conditions = conditionsOf(request)
  const object = named(context, request)
  assertConditions(conditions, object)
  await context.state.files.remove(context.state.delete(object))
  return { status: 204 }
}

/**
 * Changes the metadata of an object and increments its metageneration:
 * https://cloud.google.com/storage/docs/json_api/v1/objects/patch.
 */
export const patchObject: Run = async (context, request) => {
  const resource = await readJson(request)
  const conditions = conditionsOf(request)
  const object = named(context, request)
  assertConditions(conditions, object)
  const patched = {
    ...object,
    ...describe(resource, object),
    metageneration: object.metageneration + 1,
    updated: context.now().getTime(),
  }
  context.state.publish(patched)
  return json(200, resourceOf(patched, request))
}
