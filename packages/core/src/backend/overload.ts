/** A store refused a request because it has too many, or is starting. */
export interface Overload {
  /** Milliseconds after which the store expects the next request; `undefined` if it did not state any. */
  readonly retryAfter: number | undefined
}

const overloads = new WeakMap<object, Overload>()

/** Records that an error is one of an overloaded store. Returns the error. */
export function overloaded<Failed extends object>(error: Failed, overload: Overload | undefined): Failed {
  if (overload !== undefined) overloads.set(error, overload)
  return error
}

/** Returns what is known of the overload of a store; `undefined` for every other error. */
export function overloadOf(error: object): Overload | undefined {
  return overloads.get(error)
}

/**
 * Parses the header `Retry-After`, a number of seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3. Returns
 * milliseconds from `now` on; `undefined` for any other value.
 */
export function retryAfterOf(
  header: string | null | undefined,
  now: number = Date.now(),
): number | undefined {
  if (header === null || header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000
  const time = header.endsWith(' GMT') ? Date.parse(header) : Number.NaN
  return Number.isNaN(time) ? undefined : Math.max(0, time - now)
}
