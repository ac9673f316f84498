import * as v from 'valibot'
import { expect, test } from 'vitest'
import { membersOf, own, recordOf, without } from '../../src/input/records.ts'

/** Names that every object inherits, or that libraries treat specially. */
const inherited = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf']

test.each(inherited)('finds %s in a record only if the record itself has it', (name) => {
  expect(own<unknown>({}, name)).toBeUndefined()
  const record = { [name]: 1, other: 2 }
  expect(own(record, name)).toBe(1)
  expect(Object.entries(without(record, name))).toEqual([['other', 2]])
  expect(Object.entries(without(record, 'other'))).toEqual([[name, 1]])
})

test.each(inherited)('parses and checks a member named %s', (name) => {
  const schema = recordOf(recordOf(v.number()))
  const parsed = v.parse(schema, JSON.parse(`{"outer":{"${name}":1},"${name}":{}}`))
  expect(Object.keys(parsed)).toEqual(['outer', name])
  expect(Object.entries(parsed['outer'] ?? {})).toEqual([[name, 1]])
  const failed = v.safeParse(schema, JSON.parse(`{"outer":{"${name}":"text"}}`))
  expect(failed.issues?.map((issue) => v.getDotPath(issue))).toEqual([`outer.${name}`])
})

test.each([[[]], [null], ['text'], [new Map()], [new Date(0)]])('rejects %o as a record', (value) => {
  expect(v.is(recordOf(v.number()), value)).toBe(false)
  expect(() => membersOf(value as object as Record<string, number>, 'metrics')).toThrow(
    /metrics must be a plain object/,
  )
})

test('rejects a record that would lose what it inherits, and accepts one that inherits nothing', () => {
  expect(() => membersOf({ a: 1, __proto__: { b: 2 } }, 'files')).toThrow(/__proto__/)
  expect(membersOf(Object.assign(Object.create(null) as object, { a: 1 }), 'files')).toEqual([['a', 1]])
})
