import { HoldfastError } from '../errors.ts'

/**
 * A JSON value as Holdfast stores it. An integer outside the range in which a JavaScript number is exact
 * (-(2^53 - 1) to 2^53 - 1) is a `bigint`.
 */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** Deeper values are rejected. */
const maxDepth = 32

/**
 * Parses JSON text without changing a value. `where` names the text in errors, such as `dataState`.
 *
 * An integer outside the safe range becomes a `bigint`; a larger number with a fraction or an exponent becomes a
 * `JSON.rawJSON`, so that `save` accepts it. Throws `INVALID_ARGUMENT`, which names the field, for a number that
 * JavaScript would round or that is out of range.
 */
export function parseJson(text: string, where: string): JsonValue {
  const inexact = new Map<unknown, string>()
  let value: unknown
  try {
    value = JSON.parse(text, (_key, parsed, { source }) => {
      if (typeof parsed !== 'number' || source === undefined) return parsed
      const exact = exactNumber(source)
      if (exact !== undefined) return exact
      const placeholder = Symbol(source)
      inexact.set(placeholder, source)
      return placeholder
    })
  } catch (error) {
    throw notJson(text, where, error)
  }
  for (const [placeholder, source] of inexact) {
    throw invalid(
      `${pathTo(value, placeholder, where) ?? where} is ${source}, which JavaScript cannot represent exactly. Write it as a string.`,
    )
  }
  assertJson(value, where)
  return value ?? null
}

/**
 * Writes JSON text that `parseJson` reads as the same value. NaN and the infinities, which JSON lacks, are written as
 * strings. `plain` returns what is written in place of a value, for values that JSON cannot represent, such as errors.
 */
export function stringifyJson(value: unknown, plain?: (value: unknown) => unknown): string {
  if (plain === undefined) return JSON.stringify(value, writeNumber)
  return JSON.stringify(value, function (this: unknown, key: string, member: unknown): unknown {
    return writeNumber.call(this, key, plain(member))
  })
}

/**
 * Parses a stored document without changing a value that `stringifyJson` could not write again: an integer outside the
 * safe range becomes a `bigint`, and a number beyond the range of a JavaScript number a `JSON.rawJSON`.
 */
export function parseStoredJson(text: string): unknown {
  if (!mayHoldInexactNumber.test(text)) return JSON.parse(text)
  return JSON.parse(text, (_key, parsed, { source = '' }) => {
    if (typeof parsed !== 'number') return parsed
    if (isLargeInteger(source)) return BigInt(source)
    return Number.isFinite(parsed) ? parsed : JSON.rawJSON(source)
  })
}

/**
 * Throws `INVALID_ARGUMENT`, which names the field, for a value that JSON would change or lose. Accepts `undefined` at
 * the top and as a member of an object, where JSON omits it.
 */
export function assertJson(value: unknown, where: string, depth = 0): asserts value is JsonValue | undefined {
  if (depth > maxDepth) throw invalid(`${where} is nested more than ${maxDepth} levels deep.`)
  if (value === undefined && depth === 0) return
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return
  if (typeof value === 'string') {
    assertWellFormed(value, where)
  } else if (typeof value === 'number') {
    assertExact(value, where)
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) assertJson(item, `${where}[${index}]`, depth + 1)
  } else if (JSON.isRawJSON(value)) {
    assertExactText(value.rawJSON, where)
  } else if (isPlainObject(value)) {
    for (const [name, item] of Object.entries(value)) {
      assertWellFormed(name, `A name in ${where}`)
      if (item !== undefined) assertJson(item, `${where}.${name}`, depth + 1)
    }
  } else {
    throw invalid(
      `${where} is ${describe(value)}, which JSON cannot represent. Pass plain values, arrays and objects.`,
    )
  }
}

/** Throws `INVALID_ARGUMENT` for half of a surrogate pair, which UTF-8 cannot represent. */
export function assertWellFormed(text: string, where: string): void {
  if (text.isWellFormed()) return
  throw invalid(
    `${where} contains a lone surrogate (${JSON.stringify(text)}), which UTF-8 cannot represent. Pass well-formed text.`,
  )
}

/** Matches a number of 16 digits or more, and one with an exponent of three digits or more. */
const mayHoldInexactNumber = /(?:^|[[:,])\s*-?(?:\d{16}|[\d.]+[eE]\+?\d{3})/

const integerPattern = /^-?\d+$/

function isLargeInteger(source: string): boolean {
  return integerPattern.test(source) && !Number.isSafeInteger(Number(source))
}

/** Returns the value of a JSON number; `undefined` if JavaScript would round it. */
function exactNumber(source: string): number | bigint | RawJson | undefined {
  if (isLargeInteger(source)) return BigInt(source)
  const number = Number(source)
  if (!Number.isFinite(number) || decimalOf(source) !== decimalOf(String(number))) return undefined
  return isUnsafe(number) ? JSON.rawJSON(source) : number
}

/** Returns sign, significant digits and exponent, which are equal for two texts of the same number. */
function decimalOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  const scale = Number(exponent) - fraction.length + digits.length - significant.length
  return `${sign}${significant}e${scale}`
}

function isUnsafe(number: number): boolean {
  return Number.isInteger(number) && !Number.isSafeInteger(number)
}

/** Reads from the holder, because a program may have defined `BigInt.prototype.toJSON`. */
function writeNumber(this: unknown, key: string, value: unknown): unknown {
  const own: unknown = typeof this === 'object' && this !== null ? Reflect.get(this, key) : value
  if (typeof own === 'bigint') return JSON.rawJSON(String(own))
  if (typeof value !== 'number') return value
  if (!Number.isFinite(value)) return String(value)
  if (Object.is(value, -0)) return JSON.rawJSON('-0')
  return isUnsafe(value) ? JSON.rawJSON(value.toExponential()) : value
}

function assertExact(number: number, where: string): void {
  if (!Number.isFinite(number)) {
    throw invalid(
      `${where} is ${number}, which JSON cannot represent. Pass it as a string, or save it as a metric.`,
    )
  }
  if (isUnsafe(number)) {
    throw invalid(
      `${where} is ${number}, beyond the integers that a JavaScript number holds exactly (2^53 - 1): it may have been rounded already. ` +
        'Pass an integer as a bigint and any other number as a string, or parse JSON text with parseJson.',
    )
  }
}

function assertExactText(text: string, where: string): void {
  if (/^[-\d]/.test(text) && exactNumber(text) === undefined)
    throw invalid(`${where} is ${text}, which JavaScript cannot represent exactly. Pass it as a string.`)
}

function isPlainObject(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as never)
  )
}

/** Returns the path of a value in a parsed document, such as `dataState.state[2]`. */
function pathTo(value: unknown, wanted: unknown, where: string): string | undefined {
  if (value === wanted) return where
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, item] of Object.entries(value)) {
    const found = pathTo(item, wanted, Array.isArray(value) ? `${where}[${name}]` : `${where}.${name}`)
    if (found !== undefined) return found
  }
  return undefined
}

function notJson(text: string, where: string, cause: unknown): HoldfastError {
  const constant = /(?:^|[[:,])\s*(NaN|-?Infinity)\b/.exec(text)?.[1]
  const why =
    constant === undefined
      ? cause instanceof SyntaxError
        ? cause.message.replace(/\.$/, '')
        : 'it is nested too deeply'
      : `JSON has no ${constant}. Python writes it by default; json.dumps(..., allow_nan=False) rejects it`
  return new HoldfastError('INVALID_ARGUMENT', `${where} is not JSON: ${why}.`, { cause })
}

function describe(value: unknown): string {
  return typeof value === 'object'
    ? `a ${(value?.constructor.name ?? 'object') || 'object'}`
    : `a ${typeof value}`
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
