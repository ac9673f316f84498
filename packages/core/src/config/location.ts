import { posix, win32 } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HoldfastError } from '../errors.ts'
import { type PlaceContext, expandPlace, thisPlaceContext } from './expand.ts'
import { workingFolder } from './working-folder.ts'

/**
 * Returns the URL of a location. A plain path, relative to `directory` or absolute, becomes a `file:` URL. Expands `~`
 * and environment variables. Throws `CONFIG` if the location is neither a path nor a URL.
 */
export function parseLocation(
  location: string,
  directory?: string,
  context: PlaceContext = thisPlaceContext(),
): URL {
  if (location.trim() === '') throw malformed(location, 'It is empty.')
  if (location.includes('\0')) throw malformed(location, 'It contains a NUL character.')
  const expanded = expandPlace(location, context)
  if (lacksColon(expanded)) throw malformed(location, 'The colon after its scheme is missing.')
  if (!hasScheme(expanded)) return urlOfPath(expanded, directory, context)
  if (/^file:(?!\/\/)/i.test(expanded))
    throw malformed(location, 'A file: URL must begin with file:/// and an absolute path.')
  if (/^mem:\//i.test(expanded))
    throw malformed(location, 'The location of a store in memory must be mem: or mem:NAME.')
  // The error of the parser repeats the URL, so it is not the cause.
  const url = URL.parse(expanded)
  if (url === null) throw malformed(location, 'It is not a valid URL.')
  return url
}

/**
 * Returns the location of the store `name` below a location, as a URL. `name` may have several parts with slashes, as the names
 * that `listRuns` returns. Parameters of the location, such as `?region=`, apply to the store, too. They may be secrets.
 *
 * Throws `CONFIG` if the location is not valid, and `INVALID_ARGUMENT` for a name that leaves the location, or a location in
 * memory, which has no stores below it.
 *
 * @example
 * locationBelow('s3://bucket/runs?region=eu-west-1', 'a') // s3://bucket/runs/a?region=eu-west-1
 */
export function locationBelow(location: string, name: string): string {
  const url = parseLocation(location)
  const parts = name.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(name)} is not a valid name of a store below a location. Pass a name such as a or a/b.`,
    )
  if (url.protocol === 'mem:')
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${location} is one store in memory, and has no stores below it. Pass a path, or a URL with a path.`,
    )
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${parts.map(encodeURIComponent).join('/')}`
  return url.href.replaceAll('$', '%24') // a $ would refer to an environment variable
}

function urlOfPath(path: string, directory: string | undefined, { platform }: PlaceContext): URL {
  const windows = platform === 'win32'
  const paths = windows ? win32 : posix
  const absolute = paths.isAbsolute(path) ? path : paths.resolve(directory ?? workingFolder(), path)
  return pathToFileURL(absolute, { windows })
}

/** A URL begins with a scheme of two letters or more; one letter is a drive of Windows. */
function hasScheme(location: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(location)
}

/** Returns whether a location is a URL without the colon of its scheme. A folder of such a name can be written as `./s3//a`. */
function lacksColon(location: string): boolean {
  return /^(file|s3|gs|az|mem)\/\//i.test(location)
}

function malformed(location: string, why: string): HoldfastError {
  return new HoldfastError(
    'CONFIG',
    `${JSON.stringify(withoutSecrets(location))} is not a valid location of a store. ${why} ` +
      'Pass a path, or a URL such as file:///runs/a or s3://bucket/runs/a.',
  )
}

/** In text that only resembles a URL, everything before the last @ and every parameter may contain credentials. */
function withoutSecrets(location: string): string {
  if (!hasScheme(location) && !lacksColon(location)) return location
  return location.replace(/^([^:/]+:?\/*)[^]*@/, '$1[redacted]@').replace(/\?[^]*$/, '?[redacted]')
}
