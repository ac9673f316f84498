/**
 * What moves the cursor, changes colours or reverses the order of letters in a terminal instead of showing up: control
 * characters, line separators, bidirectional controls, the byte order mark, and halves of surrogate pairs.
 */
const invisible = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Text with everything invisible written as an escape, so that a terminal shows it and does not obey it. */
export function visible(text: string): string {
  return text.replace(invisible, (character) => named[character] ?? escaped(character))
}

/** The same, for text of several lines. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

/** JSON that is safe to show. It means the same: such characters stand in strings only, where JSON has an escape for each. */
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
