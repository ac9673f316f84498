import { isHoldfastError, type PackMode, parseDuration, parseRate, type UnchangedMode } from '@holdfast/core'
import { InvalidArgumentError } from 'commander'

/** Parses a step: an integer of at least 0. */
export function parseStep(text: string): number {
  const step = Number(text)
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 0.')
  if (Number.isSafeInteger(step)) return step
  throw new InvalidArgumentError(`It must be at most ${Number.MAX_SAFE_INTEGER} (2^53 - 1).`)
}

/** Parses a number from 0. A checkpoint can be saved in the middle of an epoch. */
export function parseEpoch(text: string): number {
  const epoch = Number(text)
  if (text.trim() !== '' && Number.isFinite(epoch) && epoch >= 0) return epoch
  throw new InvalidArgumentError('It must be a number from 0.')
}

/** Parses a whole number from 0. */
export function parseWhole(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(number)) return number
  throw new InvalidArgumentError('It must be a whole number from 0.')
}

/** Parses a whole number from 1. */
export function parseCount(text: string): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= 1 && Number.isSafeInteger(number)) return number
  throw new InvalidArgumentError('It must be a whole number from 1.')
}

/** Parses a number of seconds, or a duration with a unit such as `2min`, and returns milliseconds. */
export function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && Number.isFinite(seconds) && seconds >= 0) return seconds * 1000
  try {
    return parseDuration(text)
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    throw new InvalidArgumentError('It must be a number of seconds from 0, or a duration such as 2min.')
  }
}

/** Parses a limit such as `200MB/s`, and returns bytes per second. */
export function parseLimit(text: string): number {
  try {
    return parseRate(text)
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    throw new InvalidArgumentError('It must be a rate of at least 100KB/s, such as 200MB/s or 64MiB/s.')
  }
}

/** Parses whether small files are stored together. */
export function parsePackMode(text: string): PackMode {
  if (text === 'auto' || text === 'always' || text === 'never') return text
  throw new InvalidArgumentError('It must be auto, always or never.')
}

/** Parses what happens to unchanged files. */
export function parseUnchangedMode(text: string): UnchangedMode {
  if (text === 'auto' || text === 'link' || text === 'never') return text
  throw new InvalidArgumentError('It must be auto, link or never.')
}

/** Parses one of several steps and appends it. */
export function parseSteps(text: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), parseStep(text)]
}

/** Parses `name=number`, where NaN and Infinity are numbers too, and adds it to the earlier metrics. */
export function parseMetric(
  text: string,
  before: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const [name, value] = splitPair(text, 'a metric', 'val_loss=0.183')
  const number = numberOf(value)
  if (number === undefined) throw new InvalidArgumentError(`${JSON.stringify(value)} is not a number.`)
  return withMember(before, name, number, 'metric')
}

/** Parses `name=value` and adds it to the earlier pairs. The command parses the value. */
export function parseMeta(
  text: string,
  before: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const [name, value] = splitPair(text, 'metadata', 'commit=abc123')
  return withMember(before, name, value, 'metadata')
}

/** Parses `name=metric:min` or `metric:max` and adds it to the earlier objectives. */
export function parseObjective(
  text: string,
  before: Readonly<Record<string, ObjectiveArgument>> | undefined,
): Readonly<Record<string, ObjectiveArgument>> {
  const match = /^(?:([^=]+)=)?([^=]+):(min|max)$/.exec(text)
  const [, name, metric, direction] = match ?? []
  if (metric === undefined || (direction !== 'min' && direction !== 'max')) {
    throw new InvalidArgumentError('Write NAME=METRIC:min or NAME=METRIC:max, such as loss=val_loss:min.')
  }
  return withMember(before, name ?? metric, { metric, direction }, 'objective')
}

export interface ObjectiveArgument {
  readonly metric: string
  readonly direction: 'min' | 'max'
}

/** Adds a member to a record. Throws if the record has it already, because a value that is given twice is a mistake. */
function withMember<Value>(
  before: Readonly<Record<string, Value>> | undefined,
  name: string,
  value: Value,
  what: string,
): Readonly<Record<string, Value>> {
  if (before !== undefined && Object.hasOwn(before, name))
    throw new InvalidArgumentError(`The ${what} ${name} is given twice. Pass it once.`)
  return { ...before, [name]: value }
}

function splitPair(text: string, what: string, example: string): readonly [string, string] {
  const equals = text.indexOf('=')
  if (equals <= 0) throw new InvalidArgumentError(`Write ${what} as NAME=VALUE, such as ${example}.`)
  return [text.slice(0, equals), text.slice(equals + 1)]
}

function numberOf(text: string): number | undefined {
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  const infinity = /^([+-]?)inf(inity)?$/i.exec(text)
  if (infinity !== null) return infinity[1] === '-' ? -Infinity : Infinity
  const number = Number(text)
  return text.trim() === '' || Number.isNaN(number) ? undefined : number
}
