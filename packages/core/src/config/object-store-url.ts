import type { BackendHooks, MinimumProgress, RetryPolicy } from '../backend/index.ts'
import { HoldfastError } from '../errors.ts'
import type { Size } from '../space/index.ts'
import { type AdapterOption, optionReaders } from './adapter-options.ts'

/** What the options of every object store have in common. */
export interface ObjectStoreOptions extends BackendHooks {
  /** A budget for everything below the root; the store itself has no end. Default: none. */
  readonly quota?: Size | undefined
  /** How often and how patiently a request is made again. */
  readonly retry?: RetryPolicy | undefined
  /**
   * An answer that brings fewer `bytes` than this `within` so many milliseconds of waiting is given up, and asked for
   * again. Default: 64 KiB in 60,000 ms.
   */
  readonly minimumProgress?: MinimumProgress | undefined
}

/** How those are read. */
export const objectStoreOptions = {
  quota: { read: optionReaders.size, inUrl: true },
  retry: { read: optionReaders.retry, inUrl: false },
  minimumProgress: { read: optionReaders.progress, inUrl: false },
} as const satisfies Readonly<Record<string, AdapterOption<unknown>>>

/** What the URL of an object store names, such as `s3://bucket/runs/a`. */
export interface ObjectStorePlace {
  /** As it may be printed: without its parameters. */
  readonly place: string
  readonly host: string
  /** Decoded, with a slash before it unless it is empty. */
  readonly path: string
}

/**
 * Throws `CONFIG` for a URL that holds credentials or a port, for a path that is cut off by a `#`, and for a `%` that
 * begins no escape.
 */
export function placeInUrl(url: URL): ObjectStorePlace {
  const { host, pathname } = url
  // Before the path is printed: s3://KEY:1234/5678@bucket has a port, and a part of a secret as its path.
  if (url.port !== '') {
    throw new HoldfastError(
      'CONFIG',
      `A ${url.protocol} URL has no port. Write ${url.protocol}//NAME/path, and the address of the server as ?endpoint=https://HOST:PORT.`,
    )
  }
  const place = `${url.protocol}//${host}${pathname}`
  if (url.username !== '' || url.password !== '') {
    throw new HoldfastError(
      'CONFIG',
      `${place}: credentials may not stand in a URL, which is printed and logged.`,
    )
  }
  if (url.hash !== '') throw new HoldfastError('CONFIG', `${place}: write %23 for # in a path.`)
  return { place, host, path: decodedPath(place, pathname) }
}

/** The path that a URL names. Throws `CONFIG` for a `%` that begins no escape. `place` is the URL as it may be printed. */
export function decodedPath(place: string, pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    throw new HoldfastError('CONFIG', `${place}: write %25 for % in a path.`)
  }
}
