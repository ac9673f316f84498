import { HoldfastError } from '@holdfast/core/backend'
import type { S3Options } from './options.ts'

/**
 * Directory buckets (S3 Express One Zone) differ from other buckets:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html.
 *
 * - Lists are in no order, have no `StartAfter`, and take only prefixes that end in `/` (`unordered-list.ts`).
 * - So do lists of unfinished uploads. Their marker is not a key, and there is no marker for upload ids
 *   (https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html).
 * - ETags are random, so they never show the MD5 of a part.
 * - The SDK begins a session by itself, whose credentials sign the requests
 *   (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html).
 * - Conditional writes work as in other buckets
 *   (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html).
 *
 * The name of an access point of such a bucket ends in `--xa-s3`:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-directory-buckets.html.
 */
export function isDirectoryBucket(name: string): boolean {
  return /--xa?-s3$/.test(name)
}

/** Options that a directory bucket does not have, with the values that it refuses: the documentation of PutObject. */
const refused: readonly (readonly [keyof S3Options, readonly unknown[] | 'any', string])[] = [
  ['storageClass', 'any', 'It has one storage class'],
  ['requesterPays', [true], 'Its owner pays for all requests'],
  ['encryption', ['aws:kms:dsse'], 'It encrypts with AES256 or aws:kms'],
  ['legalHolds', [true], 'It has no object lock'],
  ['listOrder', ['key'], 'Its lists are in no order'],
]

/** Throws `CONFIG` for an option that a directory bucket does not have. */
export function refuseForDirectory(name: string, options: S3Options): void {
  for (const [option, values, why] of refused) {
    const value = options[option]
    if (value === undefined || (values !== 'any' && !values.includes(value))) continue
    throw new HoldfastError('CONFIG', `${name} is a directory bucket. ${why}. Leave ${option} out.`)
  }
}
