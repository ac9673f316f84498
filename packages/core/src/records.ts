/**
 * Records whose names come from outside: a name may be one that every object inherits, such as `constructor` or
 * `__proto__`, and is then like any other.
 */

/** The member of a record with this name; `undefined` if the record itself has none. */
export function own<T>(record: Readonly<Partial<Record<string, T>>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** The same record without the member of this name. */
export function without<T>(record: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).filter(([each]) => each !== name))
}
