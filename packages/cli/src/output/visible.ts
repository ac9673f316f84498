/**
 * Characters that a terminal interprets instead of showing: control characters, line separators, bidirectional controls,
 * the byte order mark, and lone surrogates. They move the cursor, change colours or reverse the order of letters.
 */
const invisible = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Escapes invisible characters, so that a terminal shows them and does not interpret them. */
export function visible(text: string): string {
  return text.replace(invisible, (character) => named[character] ?? escaped(character))
}

/** Escapes invisible characters in each line. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

/** Escapes invisible characters of JSON. The value stays the same, because they occur only in strings. */
export function visibleJson(json: string): string {
  return json.replace(invisible, unicodeEscape)
}

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscape(character)
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
