import type { BackendHooks, MinimumProgress, RetryPolicy } from '../backend/index.ts'
import type { Duration } from '../input/duration.ts'
import { HoldfastError, messageOf } from '../errors.ts'
import type { Size } from '../space/index.ts'
import { type AdapterOption, type OptionReader, optionReaders } from './read-options.ts'

/** Options that every object store has. */
export interface ObjectStoreOptions extends BackendHooks {
  /** Maximum size of all objects below the root, since object stores have no limit of their own. Default: none. */
  readonly quota?: Size | undefined
  /** How often to retry a request, and the pauses between attempts. */
  readonly retry?: RetryOptions | undefined
  /**
   * Retries a response that delivers fewer than `bytes` in the time `within`, and on S3 and Azure a part that is sent more
   * slowly. Default: 64 KiB in 1 minute.
   */
  readonly minimumProgress?: MinimumProgressOptions | undefined
}

/** The members of `RetryPolicy`, with durations such as `'2 s'`, or in milliseconds. */
export interface RetryOptions {
  /** The number of attempts, including the first. Default: 6. */
  readonly attempts?: number | undefined
  /** The pause before the second attempt. Each later pause is twice as long. Default: 100 ms, or `maxDelay` if that is shorter. */
  readonly minDelay?: Duration | undefined
  /** The longest pause. Default: 10 seconds, or `minDelay` if that is longer. */
  readonly maxDelay?: Duration | undefined
}

/** The fewest bytes that a response must deliver within a time. Only the time that the consumer waits counts. */
export interface MinimumProgressOptions {
  readonly bytes: Size
  readonly within: Duration
}

/** The parsed options. `undefined` stands for the default. */
export interface RequestLimits {
  readonly retry: RetryPolicy | undefined
  readonly progress: MinimumProgress | undefined
}

/** Returns the limits of requests in bytes and milliseconds. Throws `CONFIG` for an option that is out of range. */
export function requestLimitsOf({ retry, minimumProgress }: ObjectStoreOptions): RequestLimits {
  return {
    retry: retry && readOption('retry', optionReaders.retry, retry),
    progress: minimumProgress && readOption('minimumProgress', optionReaders.progress, minimumProgress),
  }
}

function readOption<Value>(name: string, read: OptionReader<Value>, value: unknown): Value {
  try {
    return read(value)
  } catch (error) {
    throw new HoldfastError('CONFIG', `${name} ${messageOf(error)}.`, { cause: error })
  }
}

/** The readers of these options. */
export const objectStoreOptions = {
  quota: { read: optionReaders.size, inUrl: true },
  retry: { read: optionReaders.retry, inUrl: false },
  minimumProgress: { read: optionReaders.progress, inUrl: false },
} as const satisfies Readonly<Record<string, AdapterOption<unknown>>>

/** The parts of the URL of an object store, such as `s3://bucket/runs/a`. */
export interface ObjectStorePlace {
  /** The URL without its parameters, which is safe to print. */
  readonly place: string
  readonly host: string
  /** The decoded path, with a leading slash unless it is empty. */
  readonly path: string
}

/**
 * Throws `CONFIG` for a URL that contains credentials or a port, for a path that is truncated by a `#`, and for a `%`
 * that does not start an escape.
 */
export function placeInUrl(url: URL): ObjectStorePlace {
  const { host, pathname } = url
  // Runs before the path is printed: in s3://KEY:1234/5678@bucket the path is a part of a secret.
  if (url.port !== '') {
    throw new HoldfastError(
      'CONFIG',
      `A ${url.protocol} URL must not have a port. Write ${url.protocol}//NAME/path, and the address of the server as ?endpoint=https://HOST:PORT.`,
    )
  }
  const place = `${url.protocol}//${host}${pathname}`
  if (url.username !== '' || url.password !== '') {
    throw new HoldfastError(
      'CONFIG',
      `${place}: credentials are not allowed in a URL, which is printed and logged.`,
    )
  }
  if (url.hash !== '') throw new HoldfastError('CONFIG', `${place}: write %23 for # in a path.`)
  return { place, host, path: decodedPath(place, pathname) }
}

/**
 * Returns the decoded path of a URL. Throws `CONFIG` for a `%` that does not start an escape. `place` is the URL in a
 * form that is safe to print.
 */
export function decodedPath(place: string, pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    throw new HoldfastError('CONFIG', `${place}: write %25 for % in a path.`)
  }
}
