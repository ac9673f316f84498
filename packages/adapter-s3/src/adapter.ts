import { type BackendAdapter, HoldfastError, readAdapterOptions } from '@holdfast/core'
import { S3Backend } from './backend.ts'
import { optionShape } from './options.ts'

/** Opens `s3:` URLs, such as `s3://bucket/runs/a?region=eu-west-1`. */
export const adapter: BackendAdapter = {
  schemes: ['s3'],
  async open(url, options = {}, { onRetry } = {}) {
    const place = `s3://${url.host}${url.pathname}`
    if (url.username !== '' || url.password !== '') {
      throw new HoldfastError(
        'CONFIG',
        `${place}: credentials may not stand in a URL, which is printed and logged.`,
      )
    }
    if (url.host === '')
      throw new HoldfastError('CONFIG', `${place} names no bucket. Write s3://bucket/path.`)
    if (url.hash !== '') throw new HoldfastError('CONFIG', `${place}: write %23 for # in a path.`)
    const read = readAdapterOptions(url, options, optionShape)
    return new S3Backend(url.host, decodeURIComponent(url.pathname), { ...read, onRetry })
  },
}
