import { type BackendAdapter, HoldfastError, placeInUrl, readAdapterOptions } from '@holdfast/core/backend'
import { S3Backend } from './backend.ts'
import { optionShape } from './options.ts'

/** Opens `s3:` URLs, such as `s3://bucket/runs/a?region=eu-west-1`. */
export const adapter: BackendAdapter = {
  schemes: ['s3'],
  async open(url, options = {}, hooks = {}) {
    const { place, host, path } = placeInUrl(url)
    if (host === '') throw new HoldfastError('CONFIG', `${place} names no bucket. Write s3://bucket/path.`)
    return new S3Backend(host, path, { ...readAdapterOptions(url, options, optionShape), ...hooks })
  },
}
