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

function malformed(location: string, why: string): HoldfastError {
  return new HoldfastError(
    'CONFIG',
    `${JSON.stringify(withoutSecrets(location))} is not a valid location of a store. ${why} ` +
      'Pass a path, or a URL such as file:///runs/a or s3://bucket/runs/a.',
  )
}

/** In text that only resembles a URL, everything before the last @ and every parameter may contain credentials. */
function withoutSecrets(location: string): string {
  if (!hasScheme(location)) return location
  return location.replace(/^([^:]+:\/*)[^]*@/, '$1[redacted]@').replace(/\?[^]*$/, '?[redacted]')
}
