import type { Readable } from 'node:stream'
import {
  type DirectRequest,
  fieldOf,
  numberFieldOf,
  type Receiver,
  stringFieldOf,
} from '@holdfast/core/backend'

/** A response in the form of the SDK. */
export interface DirectAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/**
 * Sends a signed GET request of the SDK over a direct connection. Resolves to `undefined` if the SDK must send it by
 * itself.
 */
export async function sendDirectly(
  direct: Receiver,
  request: unknown,
  signal: AbortSignal,
): Promise<DirectAnswer | undefined> {
  const signed = directRequestOf(request)
  const response = signed && (await direct.get(signed, signal))
  return response && { statusCode: response.status, headers: response.headers, body: response.body }
}

/** Reads a request of the SDK, whose type the SDK does not state. */
function directRequestOf(request: unknown): DirectRequest | undefined {
  const [method, protocol, host] = ['method', 'protocol', 'hostname'].map((name) =>
    stringFieldOf(request, name),
  )
  const path = stringFieldOf(request, 'path')
  const headers = textsIn(fieldOf(request, 'headers'))
  if (method !== 'GET' || host === undefined || path === undefined || headers === undefined) return undefined
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  const port = numberFieldOf(request, 'port') ?? (protocol === 'http:' ? 80 : 443)
  const query = queryText(textsIn(fieldOf(request, 'query') ?? {}))
  if (query === undefined || headers['host'] === undefined) return undefined
  return { protocol, host: host.replace(/^\[|\]$/g, ''), port, path: `${path}${query}`, headers }
}

/** The signature covers the query in this form: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. */
function queryText(query: Readonly<Record<string, string>> | undefined): string | undefined {
  if (query === undefined) return undefined
  const parts = Object.entries(query).map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}

/** Returns a record of texts, or `undefined` for anything else. */
function textsIn(value: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const texts = Object.entries(value).flatMap(([name, text]) =>
    typeof text === 'string' ? [[name, text] as const] : [],
  )
  return texts.length === Object.keys(value).length ? Object.fromEntries(texts) : undefined
}
