import { fileURLToPath } from 'node:url'
import { type BackendAdapter, decodedPath, HoldfastError, refuseUnknownOptions } from '@holdfast/core/backend'
import { FileBackend } from './backend.ts'

/** Opens `file:` URLs, such as `file:///runs/a`. They take no parameters. */
export const adapter: BackendAdapter = {
  schemes: ['file'],
  async open(url, options) {
    return new FileBackend(rootOf(url, options))
  },
}

/**
 * Returns the folder that a URL names. Only Windows has hosts in paths: `file://server/share/runs` is `\\server\share\runs`.
 * Throws `CONFIG` for a URL that names no folder.
 */
export function rootOf(
  url: URL,
  options: Readonly<Record<string, unknown>> | undefined,
  platform: NodeJS.Platform = process.platform,
): string {
  // Without the parameters, which may be secrets.
  const place = `file://${url.host}${url.pathname}`
  refuseUnknownOptions(options, [], 'The file system adapter', place)
  if (url.search !== '' || url.hash !== '') {
    throw new HoldfastError(
      'CONFIG',
      `${place}: a file: URL takes no parameters. Write %3F for ? and %23 for # in a path.`,
    )
  }
  if (url.host !== '' && url.host !== 'localhost' && platform !== 'win32') {
    throw new HoldfastError(
      'CONFIG',
      `${place} names the host ${url.host}. Write file:///path, with three slashes.`,
    )
  }
  decodedPath(place, url.pathname)
  if (/%2f/i.test(url.pathname)) throw new HoldfastError('CONFIG', `${place}: write / for %2F in a path.`)
  return fileURLToPath(url, { windows: platform === 'win32' })
}
