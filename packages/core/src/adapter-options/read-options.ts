import * as v from 'valibot'
import { defaultRetryPolicy, type MinimumProgress, type RetryPolicy } from '../backend/index.ts'
import { durationSchema, parseDuration } from '../input/duration.ts'
import { HoldfastError, messageOf } from '../errors.ts'
import { isSize, parseSize } from '../space/index.ts'
import { own } from '../input/records.ts'

/**
 * Reads one option from text in a URL, or from a value in code or a configuration file. Throws an error if the value is
 * invalid.
 */
export type OptionReader<Value> = (value: unknown) => Value

/** Describes one option of an adapter. */
export interface AdapterOption<Value> {
  readonly read: OptionReader<Value>
  /** Whether a URL may contain the option. Secrets are not allowed there. */
  readonly inUrl: boolean
}

const retrySchema = v.strictObject({
  attempts: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
  minDelay: v.optional(durationSchema),
  maxDelay: v.optional(durationSchema),
})

const progressSchema = v.strictObject({
  bytes: v.union([v.pipe(v.number(), v.safeInteger()), v.pipe(v.string(), v.guard(isSize))]),
  within: durationSchema,
})

/** Readers for the kinds of options that adapters have. */
export const optionReaders = {
  text: (value: unknown): string => {
    if (typeof value === 'string' && value !== '') return value
    throw new Error('must be a non-empty string')
  },
  /** An `http:` or `https:` URL without credentials and parameters. */
  endpoint: (value: unknown): string => {
    const text = optionReaders.text(value)
    const url = URL.parse(text)
    if (url === null || !/^https?:$/.test(url.protocol)) {
      // Printed only if it cannot hold credentials.
      const host = /^[a-z0-9.-]+(:\d+)?$/i.test(text) ? text : 'HOST:PORT'
      throw new Error(`must be an http:// or https:// URL, such as http://${host}`)
    }
    if (`${url.username}${url.password}${url.search}${url.hash}` !== '')
      throw new Error('must not contain credentials or parameters, since it is printed and logged')
    return text.replace(/\/+$/, '')
  },
  flag: (value: unknown): boolean => {
    if (value === true || value === 'true') return true
    if (value === false || value === 'false') return false
    throw new Error('must be true or false')
  },
  /** An integer of at least 1. */
  count: (value: unknown): number => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 1) return number
    throw new Error('must be a whole number of at least 1')
  },
  /** A number of bytes, or a string such as `200 GB`. */
  size: (value: unknown): number => {
    try {
      if (typeof value === 'string' || typeof value === 'number') return parseSize(value)
    } catch {
      // The error message must not repeat the value.
    }
    throw new Error("must be a size such as '200 GB'")
  },
  /**
   * The number of attempts of a request, and the shortest and longest pause between them. Each member has a default. That of one
   * pause fits the other pause.
   */
  retry: (value: unknown): RetryPolicy => {
    const parsed = v.safeParse(retrySchema, value)
    if (parsed.success) {
      const { attempts, ...defaults } = defaultRetryPolicy
      const { output } = parsed
      const shortest = output.minDelay === undefined ? undefined : parseDuration(output.minDelay)
      const longest = output.maxDelay === undefined ? undefined : parseDuration(output.maxDelay)
      const minDelay = shortest ?? Math.min(defaults.minDelay, longest ?? Infinity)
      const maxDelay = longest ?? Math.max(defaults.maxDelay, minDelay)
      if (minDelay <= maxDelay) return { attempts: output.attempts ?? attempts, minDelay, maxDelay }
    }
    throw new Error(
      'must be { attempts, minDelay, maxDelay }, with at least one attempt, a minDelay that is not longer than maxDelay, ' +
        "and delays such as '2 s', or in milliseconds",
    )
  },
  /** The minimum speed of a response: a size within a duration. */
  progress: (value: unknown): MinimumProgress => {
    const parsed = v.safeParse(progressSchema, value)
    if (parsed.success) {
      const { bytes, within } = parsed.output
      const minimum = {
        bytes: typeof bytes === 'number' ? bytes : parseSize(bytes),
        within: parseDuration(within),
      }
      if (minimum.bytes >= 1 && minimum.within >= 1) return minimum
    }
    throw new Error(
      "must be { bytes, within }, such as { bytes: '64 KiB', within: '1 min' }: at least one byte, and at least one millisecond",
    )
  },
  oneOf: <const Choice extends string>(...choices: readonly Choice[]): OptionReader<Choice> => {
    return (value) => {
      const found = choices.find((choice) => choice === value)
      if (found !== undefined) return found
      throw new Error(`must be one of ${choices.join(', ')}`)
    }
  },
}

/**
 * Returns the name of an option if it is safe to print. A malformed name may be a secret, such as a truncated
 * signature.
 */
function nameOrNothing(name: string): string {
  return /^[a-z][a-z_-]{0,30}$/i.test(name) ? name : 'of that name'
}

/** Whether people may pass a secret under this name, such as `secretAccessKey` of S3, although no option is called so. */
function isSecretName(name: string): boolean {
  return /^[a-z_-]{0,20}(secret|password|token|credential|accesskey)[a-z_-]{0,20}$/i.test(name)
}

/** The parsed options of an adapter. */
export type AdapterOptionValues<Shape extends Readonly<Record<string, AdapterOption<unknown>>>> = {
  readonly [Name in keyof Shape]?: ReturnType<Shape[Name]['read']> | undefined
}

/**
 * Parses the options in the parameters of a URL and in an object from the caller. The URL takes precedence, because it
 * is more specific. Throws `CONFIG` for a misspelt option, a value out of range, or a secret in the URL.
 */
export function readAdapterOptions<Shape extends Readonly<Record<string, AdapterOption<unknown>>>>(
  url: URL,
  given: Readonly<Record<string, unknown>>,
  shape: Shape,
): AdapterOptionValues<Shape> {
  const place = `${url.protocol}//${url.host}${url.pathname}`
  const values: Record<string, unknown> = {}
  const take = (name: string, value: unknown, inUrl: boolean): void => {
    const option = own(shape, name)
    if (inUrl && (option === undefined ? isSecretName(name) : !option.inUrl)) {
      throw new HoldfastError(
        'CONFIG',
        `${name} is not allowed in a URL, which is printed and logged. Pass it in code or in the environment.`,
      )
    }
    if (option === undefined) {
      const known = Object.entries(shape).flatMap(([each, { inUrl: may }]) => (may || !inUrl ? [each] : []))
      throw new HoldfastError(
        'CONFIG',
        `${place} has no option ${nameOrNothing(name)}. Known: ${known.join(', ')}.`,
      )
    }
    try {
      values[name] = option.read(value)
    } catch (error) {
      throw new HoldfastError('CONFIG', `${place}: ${name} ${messageOf(error)}.`, { cause: error })
    }
  }
  for (const [name, value] of Object.entries(given)) if (value !== undefined) take(name, value, false)
  for (const [name, value] of url.searchParams) take(name, value, true)
  // The reader of each name has returned its value.
  return values as AdapterOptionValues<Shape>
}
