import { HoldfastError, parseDuration, parseSize } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'

/** Reads the argument of an option as a duration in milliseconds. */
export const duration = (text: string): number => read(parseDuration, text)

/** Reads the argument of an option as a size in bytes. */
export const size = (text: string): number => read(parseSize, text)

function read(parse: (text: string) => number, text: string): number {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error
    throw new InvalidArgumentError(error.message)
  }
}
