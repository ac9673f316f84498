import { HoldfastError } from '../errors.ts'

/** The longest part of a key in bytes of UTF-8. Common file systems allow no longer names. */
export const maxKeyPartBytes = 255

const encoder = new TextEncoder()

/**
 * Returns why a key is invalid, as the end of a sentence that begins with the key. Returns `undefined` for a valid key.
 *
 * A valid key has one or more parts, separated by `/`. A part is not empty, not `.` or `..`, and has at most 255 bytes
 * of UTF-8. It contains no backslash, no control character and no lone surrogate. Such names could leave the root, or
 * could have different meanings on different stores.
 */
export function keyFault(key: string): string | undefined {
  if (key === '') return 'is empty'
  if (key.startsWith('/')) return 'is absolute'
  if (!key.isWellFormed()) return 'is not valid Unicode'
  if (key.includes('\\')) return 'contains a backslash'
  // eslint-disable-next-line no-control-regex -- control characters are what this looks for
  if (/[\u0000-\u001f\u007f]/.test(key)) return 'contains a control character'
  for (const part of key.split('/')) {
    if (part === '') return 'has an empty part'
    if (part === '.' || part === '..') return `has the part "${part}", which could leave the root`
    if (encoder.encode(part).length > maxKeyPartBytes)
      return `has a part of more than ${maxKeyPartBytes} bytes`
  }
  return undefined
}

/** Throws `INVALID_ARGUMENT` unless the key is valid. */
export function assertKey(key: string, url?: string): void {
  const fault = keyFault(key)
  if (fault !== undefined) {
    throw new HoldfastError('INVALID_ARGUMENT', `The key ${JSON.stringify(key)} ${fault}.`, { key, url })
  }
}

/**
 * Compares keys by their bytes in UTF-8, which is also the order of their code points. Object stores list in this
 * order. It differs from the order of JavaScript strings only for keys with characters beyond U+D7FF.
 */
export function compareKeys(one: string, other: string): number {
  if (!beyondOrdinary.test(one) && !beyondOrdinary.test(other)) return one < other ? -1 : one > other ? 1 : 0
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

/** From U+D800 on the order of UTF-16 code units is not that of code points. */
const beyondOrdinary = /[\ud800-\uffff]/
