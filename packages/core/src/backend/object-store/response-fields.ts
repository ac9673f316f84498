/** Returns a field of a value that comes from outside, such as a response or a thrown error; `undefined` if it is absent. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined
}

/** Returns a field of a value that comes from outside; `undefined` if it is not a string. */
export function stringFieldOf(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'string' ? field : undefined
}

/** Returns a field of a value that comes from outside; `undefined` if it is not a number. */
export function numberFieldOf(value: unknown, name: string): number | undefined {
  const field = fieldOf(value, name)
  return typeof field === 'number' ? field : undefined
}
