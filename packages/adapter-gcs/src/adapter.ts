import { type BackendAdapter, HoldfastError, readAdapterOptions } from '@holdfast/core'
import { GcsBackend } from './backend.ts'
import { optionShape } from './options.ts'

/** Opens `gs:` URLs, such as `gs://bucket/runs/a?storageClass=NEARLINE`. */
export const adapter: BackendAdapter = {
  schemes: ['gs'],
  async open(url, options = {}, { onRetry } = {}) {
    const place = `gs://${url.host}${url.pathname}`
    if (url.username !== '' || url.password !== '') {
      throw new HoldfastError(
        'CONFIG',
        `${place}: credentials may not stand in a URL, which is printed and logged.`,
      )
    }
    if (url.host === '')
      throw new HoldfastError('CONFIG', `${place} names no bucket. Write gs://bucket/path.`)
    if (url.hash !== '') throw new HoldfastError('CONFIG', `${place}: write %23 for # in a path.`)
    const read = readAdapterOptions(url, options, optionShape)
    return new GcsBackend(url.host, decodeURIComponent(url.pathname), { ...read, onRetry })
  },
}
