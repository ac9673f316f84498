import { getBucket, insertBucket } from './buckets.ts'
import { composeObject } from './compose.ts'
import { conditionParameters, sourceConditionParameters } from './conditions.ts'
import type { Run } from './context.ts'
import { invalid, notImplemented } from './errors.ts'
import { insertObject } from './insert.ts'
import { listObjects } from './listing.ts'
import { deleteObject, getObject, patchObject } from './objects.ts'
import type { Call } from '../http-server.ts'
import { type GcsRequest, queryOf } from './request.ts'
import { cancelResumable, continueResumable, startResumable } from './resumable.ts'
import { copyObject, rewriteObject } from './rewrite.ts'

/** One method of the JSON API, and the parameters that it may be asked with. */
export interface Operation {
  readonly name: string
  readonly method: string
  /** Of the address; what stands in parentheses are the names. */
  readonly path: RegExp
  /** Parameters that must have these values. */
  readonly when?: Readonly<Record<string, RegExp>>
  readonly query: readonly string[]
  /** An upload that was begun needs no other credentials than its address. */
  readonly isSession?: boolean
  readonly run: Run
}

const upload = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/
const insertParameters = ['contentEncoding', 'kmsKeyName', 'name', 'uploadType', ...conditionParameters]
const copyParameters = [
  'destinationKmsKeyName',
  'sourceGeneration',
  ...conditionParameters,
  ...sourceConditionParameters,
]

/** Below `/storage/v1`, or without it, as the SDK asks an emulator that it knows by `STORAGE_EMULATOR_HOST`. */
function address(path: string): RegExp {
  return new RegExp(`^(?:/storage/v1)?/b${path}$`)
}

/** Cloud Storage JSON API, "API reference": what an adapter for checkpoints needs. */
const operations: readonly Operation[] = [
  { name: 'buckets.insert', method: 'POST', path: address(''), query: ['project'], run: insertBucket },
  { name: 'buckets.get', method: 'GET', path: address('/([^/]+)'), query: [], run: getBucket },
  {
    name: 'objects.insert',
    method: 'POST',
    path: upload,
    when: { uploadType: /^(media|multipart)$/ },
    query: insertParameters,
    run: insertObject,
  },
  {
    name: 'objects.insert',
    method: 'POST',
    path: upload,
    when: { uploadType: /^resumable$/ },
    query: insertParameters,
    run: startResumable,
  },
  {
    name: 'objects.insert',
    method: 'PUT',
    path: upload,
    when: { uploadType: /^resumable$/, upload_id: /./ },
    query: ['uploadType', 'upload_id'],
    isSession: true,
    run: continueResumable,
  },
  {
    name: 'objects.insert',
    method: 'DELETE',
    path: upload,
    when: { uploadType: /^resumable$/, upload_id: /./ },
    query: ['uploadType', 'upload_id'],
    isSession: true,
    run: cancelResumable,
  },
  {
    name: 'objects.list',
    method: 'GET',
    path: address('/([^/]+)/o'),
    query: ['endOffset', 'maxResults', 'pageToken', 'prefix', 'startOffset'],
    run: listObjects,
  },
  {
    name: 'objects.get',
    method: 'GET',
    path: address('/([^/]+)/o/([^/]+)'),
    query: ['generation', ...conditionParameters],
    run: getObject,
  },
  {
    name: 'objects.patch',
    method: 'PATCH',
    path: address('/([^/]+)/o/([^/]+)'),
    query: ['generation', ...conditionParameters],
    run: patchObject,
  },
  {
    name: 'objects.delete',
    method: 'DELETE',
    path: address('/([^/]+)/o/([^/]+)'),
    query: ['generation', ...conditionParameters],
    run: deleteObject,
  },
  {
    name: 'objects.compose',
    method: 'POST',
    path: address('/([^/]+)/o/([^/]+)/compose'),
    query: ['ifGenerationMatch', 'ifMetagenerationMatch', 'kmsKeyName'],
    run: composeObject,
  },
  {
    name: 'objects.rewrite',
    method: 'POST',
    path: address('/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)'),
    query: copyParameters,
    run: rewriteObject,
  },
  {
    name: 'objects.copy',
    method: 'POST',
    path: address('/([^/]+)/o/([^/]+)/copyTo/b/([^/]+)/o/([^/]+)'),
    query: copyParameters,
    run: copyObject,
  },
]

/** @throws 501 for what is none of them. */
export function operationOf(call: Call): { readonly operation: Operation; readonly request: GcsRequest } {
  const query = queryOf(call)
  for (const operation of operations) {
    const match = operation.path.exec(call.path)
    if (match === null || operation.method !== call.method) continue
    const fits = Object.entries(operation.when ?? {}).every(([name, value]) =>
      value.test(query.get(name) ?? ''),
    )
    if (fits) return { operation, request: { call, names: match.slice(1).map(decoded), query } }
  }
  throw notImplemented(`${call.method} of this address`)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(`The name ${text} cannot be decoded.`)
  }
}
