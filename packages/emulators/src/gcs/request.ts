import type { Call } from '../http/http-server.ts'
import { parseQuery } from '../http/query.ts'
import { invalid, notImplemented } from './errors.ts'

/** A parsed request of the JSON API. */
export interface GcsRequest {
  readonly call: Call
  /** The names in the path, in their order: bucket, object, and those of a destination. */
  readonly names: readonly string[]
  readonly query: ReadonlyMap<string, string>
}

export function queryOf(call: Call): ReadonlyMap<string, string> {
  const query = new Map<string, string>()
  for (const [name, value] of decodedQuery(call.rawQuery)) {
    if (query.has(name)) throw invalid(`The parameter ${name} was given twice.`)
    query.set(name, value)
  }
  return query
}

function decodedQuery(rawQuery: string): readonly (readonly [string, string])[] {
  try {
    return parseQuery(rawQuery)
  } catch {
    throw invalid(`The query ${rawQuery} cannot be decoded.`)
  }
}

/**
 * Parameters that every request can have: https://cloud.google.com/storage/docs/json_api/v1/parameters. Those that
 * only shape the response are ignored.
 */
const everywhere = ['alt', 'fields', 'prettyPrint', 'projection', 'userProject']

export function refuseUnknownParameters({ query }: GcsRequest, known: readonly string[]): void {
  for (const name of query.keys())
    if (!everywhere.includes(name) && !known.includes(name))
      throw notImplemented(`the parameter ${name} here`)
}

/** Parses a parameter that must be an integer. */
export function numberParameter({ query }: GcsRequest, name: string): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  if (!/^\d{1,16}$/.test(text)) throw invalid(`Invalid value for ${name}: ${text}`)
  return Number(text)
}

export function header({ call }: GcsRequest, name: string): string | undefined {
  const value = call.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The largest size in bytes of a JSON body. */
const longestJson = 2 ** 20

/** Parses the JSON body of a request. An empty body counts as an empty object. */
export async function readJson({ call }: GcsRequest): Promise<JsonObject> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of call.body()) {
    size += chunk.byteLength
    if (size > longestJson) throw invalid('The request is too long.')
    chunks.push(chunk)
  }
  return parseJson(Buffer.concat(chunks).toString('utf8'))
}

export type JsonObject = Readonly<Record<string, unknown>>

export function parseJson(text: string): JsonObject {
  const value = text.trim() === '' ? {} : parsed(text)
  if (!isJsonObject(value)) throw invalid('Parse Error: the body is not a JSON object.')
  return value
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
