import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HoldfastError } from '../errors.ts'

/**
 * The URL that a location means. A plain path, relative to `directory` or absolute, is a `file:` URL. Throws
 * `CONFIG` for what is neither a path nor a URL.
 */
export function parseLocation(location: string, directory: string = process.cwd()): URL {
  if (location.trim() === '') throw malformed(location, 'It is empty.')
  if (location.includes('\0')) throw malformed(location, 'It holds a NUL character.')
  if (!hasScheme(location)) return pathToFileURL(resolve(directory, location))
  if (/^file:(?!\/\/)/i.test(location))
    throw malformed(location, 'A file: URL begins with file:/// and an absolute path.')
  if (/^mem:\//i.test(location)) throw malformed(location, 'A store in memory is mem: or mem:NAME.')
  try {
    return new URL(location)
  } catch (error) {
    throw malformed(location, 'It is not a valid URL.', error)
  }
}

/** A URL begins with a scheme of two letters or more; one letter is a drive of Windows. */
function hasScheme(location: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(location)
}

function malformed(location: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError(
    'CONFIG',
    `${JSON.stringify(location)} is not the place of a store. ${why} ` +
      'Give a path, or a URL such as file:///runs/a or s3://bucket/runs/a.',
    { cause },
  )
}
