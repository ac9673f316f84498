import { fileURLToPath } from 'node:url'
import { type BackendAdapter, HoldfastError, refuseUnknownOptions } from '@holdfast/core'
import { FileBackend } from './backend.ts'

/** Opens `file:` URLs, such as `file:///runs/a`. They take no parameters. */
export const adapter: BackendAdapter = {
  schemes: ['file'],
  async open(url, options) {
    refuseUnknownOptions(options, [], 'The file system adapter', url.href)
    if (url.search !== '' || url.hash !== '') {
      throw new HoldfastError(
        'CONFIG',
        `${url.href}: a file: URL takes no parameters. Write %3F for ? and %23 for # in a path.`,
      )
    }
    if (url.host !== '' && url.host !== 'localhost') {
      throw new HoldfastError(
        'CONFIG',
        `${url.href} names the host ${url.host}. Write file:///path, with three slashes.`,
      )
    }
    return new FileBackend(fileURLToPath(url))
  },
}
