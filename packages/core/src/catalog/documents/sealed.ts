import { HoldfastError } from '../../errors.ts'
import { sha256Hex } from '../../integrity/index.ts'
import { parseStoredJson, stringifyJson } from '../../json.ts'

/** What kinds of document a store holds. The kind is the name of the member that holds the body. */
export type DocumentKind = 'marker' | 'catalog' | 'page' | 'manifest'

/** Documents deeper than this are refused before they are parsed: nothing we write comes near. */
const maxDepth = 64

/** Keeps a byte order mark, which is no JSON: without `ignoreBOM` it would be dropped unseen. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

/**
 * A document carries the SHA-256 of the exact bytes of its body:
 *
 *     {"sha256":"<64 hexadecimal digits>","<kind>":<body>}\n
 *
 * It is plain JSON, and any language can check it without agreeing on a canonical form: the body is the bytes
 * between a prefix of known length and the last two bytes.
 */
export function seal(kind: DocumentKind, body: unknown): Uint8Array {
  const bytes = encoder.encode(stringifyJson(body))
  const before = encoder.encode(`{"sha256":"${sha256Hex(bytes)}","${kind}":`)
  return Buffer.concat([before, bytes, encoder.encode('}\n')])
}

/** Members with values of the caller's own, whose integers are kept however large they are. */
const exactMembers: Readonly<Record<DocumentKind, readonly string[]>> = {
  marker: [],
  catalog: [],
  page: [],
  manifest: ['metadata', 'dataState'],
}

/** The body of a sealed document. Throws `CORRUPT` when a single byte is not what was sealed. */
export function unseal(kind: DocumentKind, bytes: Uint8Array, where: string): unknown {
  const prefix = /^\{"sha256":"([0-9a-f]{64})","(marker|catalog|page|manifest)":/.exec(
    latin1(bytes.subarray(0, 100)),
  )
  if (prefix?.[1] === undefined || prefix[2] !== kind || latin1(bytes.subarray(-2)) !== '}\n') {
    throw new HoldfastError('CORRUPT', `${where} is not a ${kind} of Holdfast, or is cut short.`)
  }
  const body = bytes.subarray(prefix[0].length, -2)
  if (sha256Hex(body) !== prefix[1]) {
    throw new HoldfastError('CORRUPT', `${where} differs from what was written: its checksum is wrong.`)
  }
  try {
    const text = decoder.decode(body)
    refuseDeep(text, where)
    return parseStoredJson(text, exactMembers[kind])
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    throw new HoldfastError('CORRUPT', `${where} is not valid JSON.`, { cause: error })
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Counts brackets outside of strings, one character at a time: a string can be longer than any pattern takes. */
function refuseDeep(text: string, where: string): void {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    if (depth > maxDepth) throw new HoldfastError('CORRUPT', `${where} is nested more than ${maxDepth} deep.`)
  }
}

/** Where the closing quote of a string stands. */
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
