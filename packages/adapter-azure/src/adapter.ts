import { type BackendAdapter, HoldfastError, placeInUrl, readAdapterOptions } from '@holdfast/core/backend'
import { AzureBackend } from './backend.ts'
import { optionShape } from './options.ts'

/** Opens `az:` URLs, such as `az://account/container/runs/a?accessTier=Cool`. */
export const adapter: BackendAdapter = {
  schemes: ['az'],
  async open(url, options = {}, hooks = {}) {
    const { place, host, path } = placeInUrl(url)
    const [, container = '', ...inside] = path.split('/')
    if (host === '' || container === '') {
      throw new HoldfastError(
        'CONFIG',
        `${place} does not name an account and a container. Write az://account/container/path.`,
      )
    }
    const read = readAdapterOptions(url, options, optionShape)
    return new AzureBackend(host, container, inside.join('/'), { ...read, ...hooks })
  },
}
