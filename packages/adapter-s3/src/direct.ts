import { Readable } from 'node:stream'
import { fieldOf, numberFieldOf, stringFieldOf } from '@holdfast/core/backend'
import type { DirectRequest, Receiver, Sender } from '@holdfast/core/connections'

/** A response in the form of the SDK. */
export interface DirectAnswer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readable
}

/** Sends a signed request of the SDK in its place. Resolves to `undefined` if the SDK must send it by itself. */
export type SendDirectly = (request: unknown, signal: AbortSignal) => Promise<DirectAnswer | undefined>

/** Sends GET requests of large bodies. */
export function receivingBy(receiver: Receiver): SendDirectly {
  return async (request, signal) => {
    const signed = directRequestOf('GET', request)
    const response = signed && (await receiver.get(signed, signal))
    return response && { statusCode: response.status, headers: response.headers, body: response.body }
  }
}

/** Sends the parts of large objects. */
export function sendingBy(sender: Sender): SendDirectly {
  return async (request, signal) => {
    const signed = directRequestOf('PUT', request)
    const bytes = fieldOf(request, 'body')
    if (signed === undefined || !(bytes instanceof Uint8Array)) return undefined
    const { status, headers, body } = await sender.send({ ...signed, method: 'PUT', body: bytes }, signal)
    return { statusCode: status, headers, body: Readable.from([Buffer.from(body)]) }
  }
}

/** Reads a request of the SDK, whose type the SDK does not state. Returns `undefined` for another method. */
function directRequestOf(wanted: 'GET' | 'PUT', request: unknown): DirectRequest | undefined {
  const [method, protocol, host] = ['method', 'protocol', 'hostname'].map((name) =>
    stringFieldOf(request, name),
  )
  const path = stringFieldOf(request, 'path')
  const headers = textsIn(fieldOf(request, 'headers'))
  if (method !== wanted || host === undefined || path === undefined || headers === undefined) return undefined
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
