import { HoldfastError } from '../../errors.ts'
import { sha256Hex } from '../../integrity/index.ts'
import { parseStoredJson, stringifyJson } from '../../input/json.ts'
import { type DocumentKind, refuseNewerMajor } from './format-version.ts'

export type { DocumentKind }

/**
 * The maximum depth of arrays and objects in a body, including the body. Deeper documents are rejected before parsing.
 */
const maxDepth = 64

/** Keeps a byte order mark, so that the JSON parser rejects it. Without `ignoreBOM`, it would be removed silently. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * Seals a document with the SHA-256 of the exact bytes of its body:
 *
 *     {"sha256":"<64 hexadecimal digits>","<kind>":<body>}\n
 *
 * It is plain JSON. The body is all bytes between the prefix and the last two bytes, so a reader in any language can
 * check the digest without a canonical form of JSON.
 */
export function seal(kind: DocumentKind, body: unknown): Uint8Array {
  const bytes = encoder.encode(stringifyJson(body))
  const before = encoder.encode(`{"sha256":"${sha256Hex(bytes)}","${kind}":`)
  return Buffer.concat([before, bytes, encoder.encode('}\n')])
}

const beginning = /^\{"sha256":"([0-9a-f]{64})","([a-z]+)":/

/**
 * Returns the body of a sealed document. Throws `CORRUPT` if a single byte differs from the sealed bytes, and
 * `UNSUPPORTED` for a newer major version.
 */
export function unseal(kind: DocumentKind, bytes: Uint8Array, where: string): unknown {
  const [prefix, sha256, sealedKind] = beginning.exec(latin1(bytes.subarray(0, 100))) ?? []
  if (prefix === undefined || latin1(bytes.subarray(-2)) !== '}\n') {
    refuseNewerEnvelope(bytes, where)
    throw new HoldfastError('CORRUPT', `${where} is not a document of Holdfast, or is truncated.`)
  }
  const body = bytes.subarray(prefix.length, -2)
  if (sha256Hex(body) !== sha256) {
    throw new HoldfastError('CORRUPT', `${where} is damaged: its checksum does not match.`)
  }
  const parsed = parsedBody(body, where)
  if (sealedKind === kind) return parsed
  refuseNewerMajor(parsed, where)
  throw new HoldfastError('CORRUPT', `${where} is not a ${kind}, but a ${sealedKind ?? ''}.`)
}

function parsedBody(body: Uint8Array, where: string): unknown {
  try {
    const text = decoder.decode(body)
    refuseDeep(text, where)
    return parseStoredJson(text)
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    throw new HoldfastError('CORRUPT', `${where} is not valid JSON.`, { cause: error })
  }
}

/**
 * The envelope is the same in every major version. A newer version may break that rule. Its documents must not be
 * treated as damaged, because a repair replaces damaged documents.
 */
function refuseNewerEnvelope(bytes: Uint8Array, where: string): void {
  let document: unknown
  try {
    document = parsedBody(bytes, where)
  } catch (error) {
    if (error instanceof HoldfastError) return // the document is damaged
    throw error
  }
  if (typeof document !== 'object' || document === null) return
  refuseNewerMajor(document, where)
  for (const body of Object.values(document)) refuseNewerMajor(body, where)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/**
 * Counts brackets outside of strings. Reads single characters, because a string can be too long for a regular
 * expression.
 */
function refuseDeep(text: string, where: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    if (depth > maxDepth)
      throw new HoldfastError('CORRUPT', `${where} is nested more than ${maxDepth} levels deep.`)
  }
}

/** Returns the index of the closing quote of a string. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text[at - 1 - backslashes] === '\\') backslashes += 1
  return backslashes % 2 === 1
}
