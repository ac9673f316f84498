import { invalid } from './errors.ts'

/** Throws 400 for an invalid object name: https://cloud.google.com/storage/docs/objects#naming. */
export function assertObjectName(name: string): void {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0) throw invalid('Required parameter: name')
  if (bytes > 1024) throw invalid('The object name is longer than 1024 bytes.')
  if (/[\r\n]/.test(name) || name === '.' || name === '..' || name.startsWith('.well-known/acme-challenge/'))
    throw invalid(`Invalid object name: ${JSON.stringify(name)}`)
}

/** Returns whether a bucket name is valid and has no dots: https://cloud.google.com/storage/docs/buckets#naming. */
export function isBucketName(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/.test(bucket) && !bucket.startsWith('goog')
}
