export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Strings, and the numbers that Python writes although JSON lacks them. */
const textOrNumber = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g

/**
 * Parses JSON as Python writes it: NaN and the infinities become the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.
 * Returns `undefined` for text that does not parse, such as a truncated file.
 */
export function parsePythonJson(text: string): unknown {
  const plain = text.replaceAll(textOrNumber, (found) => (found.startsWith('"') ? found : `"${found}"`))
  try {
    return JSON.parse(plain)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Returns a number, including those that JSON lacks; `undefined` for any other value. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Infinity
  return value === '-Infinity' ? -Infinity : undefined
}
