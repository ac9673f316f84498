import { getBucket, insertBucket } from './buckets.ts'
import { composeObject } from './compose.ts'
import { conditionParameters, sourceConditionParameters } from './conditions.ts'
import type { Run } from './context.ts'
import { invalid, notImplemented } from './errors.ts'
import { insertObject } from './insert.ts'
import { listObjects } from './listing.ts'
import { deleteObject, getObject, patchObject } from './objects.ts'
import type { Call } from '../http/http-server.ts'
import { type GcsRequest, queryOf } from './request.ts'
import { cancelResumable, continueResumable, startResumable } from './resumable.ts'
import { copyObject, rewriteObject } from './rewrite.ts'

/** A method of the JSON API, with the parameters that it supports. */
export interface Operation {
  readonly name: string
  readonly method: string
  /** Matches the path of the address. Its groups are the names. */
  readonly path: RegExp
  /** Parameters that must be present and match. */
  readonly when?: Readonly<Record<string, RegExp>>
  readonly query: readonly string[]
  /** Whether the address of an upload serves as its credentials. */
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

/** Matches a path with or without `/storage/v1`. The SDK omits it if `STORAGE_EMULATOR_HOST` names the emulator. */
function address(path: string): RegExp {
  return new RegExp(`^(?:/storage/v1)?/b${path}$`)
}

/** The methods that an adapter for checkpoints needs, from https://cloud.google.com/storage/docs/json_api/v1. */
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

/**
 * Finds the operation of a request.
 *
 * @throws 501 if there is none.
 */
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
