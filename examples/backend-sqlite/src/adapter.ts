import { type BackendAdapter, HoldfastError, optionReaders, readAdapterOptions } from '@holdfast/core/backend'
import { SqliteBackend } from './backend.ts'

/** Opens URLs such as `sqlite:///data/checkpoints.db/runs/a?maxSize=200GB`: a database file, and a root inside it. */
export const adapter: BackendAdapter = {
  schemes: ['sqlite'],
  async open(url, options = {}, { onRetry } = {}) {
    const [, file, path = ''] = /^(\/.*?\.db)(\/.*)?$/.exec(decodeURIComponent(url.pathname)) ?? []
    if (url.host !== '' || file === undefined) {
      throw new HoldfastError(
        'CONFIG',
        `${url.href} does not name a database file. Use a URL such as sqlite:///folder/name.db/runs/a.`,
      )
    }
    const { maxSize } = readAdapterOptions(url, options, {
      maxSize: { read: optionReaders.size, inUrl: true },
    })
    return new SqliteBackend(file, path, { maxSize, onRetry })
  },
}
