import { type BackendAdapter, HoldfastError, placeInUrl, readAdapterOptions } from '@holdfast/core/backend'
import { GcsBackend } from './backend.ts'
import { optionShape } from './options.ts'

/** Opens `gs:` URLs, such as `gs://bucket/runs/a?storageClass=NEARLINE`. */
export const adapter: BackendAdapter = {
  schemes: ['gs'],
  async open(url, options = {}, hooks = {}) {
    const { place, host, path } = placeInUrl(url)
    if (host === '') throw new HoldfastError('CONFIG', `${place} names no bucket. Write gs://bucket/path.`)
    return new GcsBackend(host, path, { ...readAdapterOptions(url, options, optionShape), ...hooks })
  },
}
