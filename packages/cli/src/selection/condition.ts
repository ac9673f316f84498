import { formatSize, parseSize } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'
import type { Fields } from './fields.ts'

const comparisons = {
  '<': (one: number, other: number) => one < other,
  '<=': (one: number, other: number) => one <= other,
  '>': (one: number, other: number) => one > other,
  '>=': (one: number, other: number) => one >= other,
  '=': (one: number, other: number) => one === other,
  '!=': (one: number, other: number) => one !== other,
} as const

type Comparison = keyof typeof comparisons

/** One `--where` option. */
export interface Condition {
  readonly field: string
  readonly comparison: Comparison
  readonly value: number
}

const units: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86_400, w: 604_800 }

/**
 * Parses `FIELD OPERATOR VALUE`, such as `val_loss < 0.2`, and appends it. The value of `size` may have a unit of bytes,
 * and that of `age` a unit of time.
 */
export function parseCondition(text: string, before: readonly Condition[] | undefined): readonly Condition[] {
  const [, field, operator, value] =
    /^\s*([^<>=!\s][^<>=!]*?)\s*(<=|>=|!=|==|<|>|=)\s*([^<>=!\s][^<>=!]*?)\s*$/.exec(text) ?? []
  if (field === undefined || operator === undefined || value === undefined) {
    throw new InvalidArgumentError(
      'Write FIELD < VALUE with one of <, <=, >, >=, = and !=, such as "val_loss < 0.2".',
    )
  }
  return [...(before ?? []), { field, comparison: comparisonOf(operator), value: parseValue(field, value) }]
}

/** Whether an item has every field, and all conditions hold. */
export function satisfies(fields: Fields, conditions: readonly Condition[]): boolean {
  return conditions.every(({ field, comparison, value }) => {
    const found = fields.get(field)
    return found !== undefined && comparisons[comparison](found, value)
  })
}

function comparisonOf(operator: string): Comparison {
  const comparison = operator === '==' ? '=' : operator
  if (Object.hasOwn(comparisons, comparison)) return comparison as Comparison
  throw new InvalidArgumentError(`${operator} is not a comparison.`)
}

/** A size in bytes, an age in seconds, or a plain number. */
function parseValue(field: string, text: string): number {
  const number = Number(text)
  if (!Number.isNaN(number)) return number
  if (field === 'size') return parseBytes(text)
  if (field === 'age') return parseAge(text)
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not a number.`)
}

function parseBytes(text: string): number {
  try {
    return parseSize(text)
  } catch {
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not a size. Write a number of bytes, or a text such as ${formatSize(10e9)}.`,
    )
  }
}

function parseAge(text: string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*(\w+)$/.exec(text) ?? []
  const seconds = Object.hasOwn(units, unit) ? units[unit] : undefined
  if (amount === undefined || seconds === undefined)
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not an age. Write a text such as "30 min", "4 h" or "2 d".`,
    )
  return Number(amount) * seconds
}
