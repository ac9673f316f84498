import { compareKeys } from '../objects/sorted-keys.ts'
import { json, type Run } from './context.ts'
import { invalid } from './errors.ts'
import { numberParameter } from './request.ts'
import { resourceOf } from './resource.ts'

/** The largest number of entries on a page: https://cloud.google.com/storage/docs/json_api/v1/objects/list. */
const pageLimit = 1000

/** Lists one page of the objects with a prefix, from `startOffset` (inclusive) to `endOffset` (exclusive). */
export const listObjects: Run = async ({ state }, request) => {
  const [bucket = ''] = request.names
  const { query } = request
  const prefix = query.get('prefix') ?? ''
  const startOffset = query.get('startOffset') ?? ''
  const endOffset = query.get('endOffset')
  const token = query.get('pageToken')
  const asked = numberParameter(request, 'maxResults')
  if (asked === 0) throw invalid('Invalid value for maxResults: 0')
  const limit = Math.min(asked ?? pageLimit, pageLimit)
  const after = token === undefined ? undefined : parseToken(token)
  const first = [prefix, startOffset, after ?? ''].reduce((one, other) =>
    compareKeys(one, other) < 0 ? other : one,
  )

  const page: string[] = []
  let hasMore = false
  for (const name of state.namesFrom(bucket, first)) {
    if (!name.startsWith(prefix)) break
    if (endOffset !== undefined && compareKeys(name, endOffset) >= 0) break
    if (name === after) continue
    hasMore = page.length === limit
    if (hasMore) break
    page.push(name)
  }
  const items = page.flatMap((name) => {
    const object = state.object(bucket, name)
    return object === undefined ? [] : [resourceOf(object, request)]
  })
  return json(200, {
    kind: 'storage#objects',
    nextPageToken: hasMore ? tokenOf(page.at(-1) ?? '') : undefined,
    items: items.length === 0 ? undefined : items,
  })
}

function tokenOf(name: string): string {
  return Buffer.from(`after:${name}`).toString('base64')
}

function parseToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString()
  if (!text.startsWith('after:')) throw invalid(`Invalid value for pageToken: ${token}`)
  return text.slice('after:'.length)
}
