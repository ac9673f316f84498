import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'

/**
 * Records whose names come from outside. A name such as `constructor` or `__proto__` exists on every object. These
 * functions treat such a name like any other, and never return inherited members.
 */

/** Returns the member of a record with this name; `undefined` if the record itself does not have it. */
export function own<T>(record: Readonly<Partial<Record<string, T>>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** Returns the record without the member of this name. */
export function without<T>(record: Readonly<Record<string, T>>, name: string): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).filter(([each]) => each !== name))
}

/**
 * Returns the members of a record that a caller passes. `what` names it in errors. Throws `INVALID_ARGUMENT` for
 * another value, and for a record that inherits from another object, because inherited members would be lost.
 */
export function membersOf<T>(
  record: Readonly<Partial<Record<string, T>>>,
  what: string,
): readonly (readonly [name: string, member: T])[] {
  if (isRecord(record)) return Object.entries(record) as [string, T][]
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${what} must be a plain object. For a member named __proto__, write { ['__proto__']: value }.`,
  )
}

/** Returns a schema for records. Unlike `v.record`, it preserves every name. */
export function recordOf<Input, Output>(
  member: v.GenericSchema<Input, Output>,
): v.GenericSchema<Record<string, Input>, Record<string, Output>> {
  const schema: v.GenericSchema<Record<string, Input>, Record<string, Output>> = v.record(v.string(), member)
  return {
    ...schema,
    '~run': (dataset, config) => {
      const input = dataset.value
      if (!isRecord(input)) return schema['~run']({ value: undefined }, config)
      const members: [string, Output][] = []
      const issues: v.BaseIssue<unknown>[] = []
      for (const [key, value] of Object.entries(input)) {
        const parsed = member['~run']({ value }, config)
        const place: v.ObjectPathItem = { type: 'object', origin: 'value', input, key, value }
        for (const issue of parsed.issues ?? [])
          issues.push({ ...issue, path: [place, ...(issue.path ?? [])] })
        if (parsed.typed) members.push([key, parsed.value])
      }
      const [first, ...others] = issues
      if (first !== undefined) return { typed: false, value: input, issues: [first, ...others] }
      return { typed: true, value: Object.fromEntries(members) }
    },
  }
}

/** Objects of another realm inherit from the root object of that realm. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const parent: unknown = Object.getPrototypeOf(value)
  return parent === null || Object.getPrototypeOf(parent) === null
}
