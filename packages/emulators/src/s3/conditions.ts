import type { Context } from './context.ts'
import { notImplemented, S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'
import type { State } from './state.ts'

/** The conditions of a write. */
export interface WriteConditions {
  readonly ifNoneMatch: boolean
  readonly ifMatch: string | undefined
}

/**
 * Parses the conditions of a write. If-None-Match must be `*`:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
 */
export function writeConditions(
  { conditionalWrites }: Pick<Context, 'conditionalWrites'>,
  request: S3Request,
): WriteConditions {
  if (conditionalWrites === 'ignored') return { ifNoneMatch: false, ifMatch: undefined }
  const ifNoneMatch = header(request, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented(`If-None-Match: ${ifNoneMatch}`)
  const ifMatch = header(request, 'if-match')
  if (conditionalWrites === 'refused' && (ifMatch ?? ifNoneMatch) !== undefined)
    throw notImplemented('conditions of writes')
  if (ifMatch !== undefined && ifNoneMatch !== undefined)
    throw notImplemented('If-Match and If-None-Match together')
  return {
    ifNoneMatch: ifNoneMatch !== undefined,
    ifMatch: ifMatch === undefined ? undefined : etagOf(ifMatch),
  }
}

/**
 * Throws if the conditions of a write do not hold now. `deletionsBefore` is the number of deletions when the write
 * started. If the key was deleted since then, a write with If-None-Match gets 409:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
 */
export function assertMayWrite(
  state: State,
  bucket: string,
  key: string,
  { ifNoneMatch, ifMatch }: WriteConditions,
  deletionsBefore: number,
): void {
  const there = state.object(bucket, key)
  if (ifNoneMatch && there !== undefined) throw preconditionFailed('If-None-Match')
  if (ifNoneMatch && state.deletedSince(bucket, key, deletionsBefore))
    throw new S3Error('ConditionalRequestConflict', undefined, { Condition: 'If-None-Match', Key: key })
  if (ifMatch === undefined) return
  if (there === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
  if (ifMatch !== there.etag) throw preconditionFailed('If-Match')
}

/** Throws 412 if the object of a read or a delete does not have the ETag in If-Match. */
export function assertMatches(request: S3Request, etag: string): void {
  const ifMatch = header(request, 'if-match')
  if (ifMatch !== undefined && ifMatch !== '*' && etagOf(ifMatch) !== etag)
    throw preconditionFailed('If-Match')
}

/** Removes the quotation marks of an entity tag. Clients may omit them. */
export function etagOf(text: string): string {
  return text.replace(/^"(.*)"$/, '$1')
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { Condition: condition })
}
