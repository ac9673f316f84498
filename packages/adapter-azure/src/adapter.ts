import { type BackendAdapter, HoldfastError, readAdapterOptions } from '@holdfast/core'
import { AzureBackend } from './backend.ts'
import { optionShape } from './options.ts'

/** Opens `az:` URLs, such as `az://account/container/runs/a?accessTier=Cool`. */
export const adapter: BackendAdapter = {
  schemes: ['az'],
  async open(url, options = {}, { onRetry } = {}) {
    const place = `az://${url.host}${url.pathname}`
    if (url.username !== '' || url.password !== '') {
      throw new HoldfastError(
        'CONFIG',
        `${place}: credentials may not stand in a URL, which is printed and logged.`,
      )
    }
    const [, container = '', ...path] = url.pathname.split('/')
    if (url.host === '' || container === '') {
      throw new HoldfastError(
        'CONFIG',
        `${place} does not name an account and a container. Write az://account/container/path.`,
      )
    }
    if (url.hash !== '') throw new HoldfastError('CONFIG', `${place}: write %23 for # in a path.`)
    const read = readAdapterOptions(url, options, optionShape)
    return new AzureBackend(url.host, container, decodeURIComponent(path.join('/')), { ...read, onRetry })
  },
}
