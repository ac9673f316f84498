import { HoldfastError, parseDuration, parseSize } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'

/** Reads the argument of an option as a duration in milliseconds. */
export const duration = (text: string): number => read(parseDuration, text)

/** Reads the argument of an option as a size in bytes. */
export const size = (text: string): number => read(parseSize, text)

/** Reads the argument of an option as a price from 0. */
export function price(text: string): number {
  const amount = Number(text)
  if (text.trim() !== '' && Number.isFinite(amount) && amount >= 0) return amount
  throw new InvalidArgumentError('It must be a number from 0, such as 0.023.')
}

function read(parse: (text: string) => number, text: string): number {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    throw new InvalidArgumentError(error.message)
  }
}
