import { notImplemented, S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'
import type { State } from './state.ts'

/** What must be so for a write to happen. */
export interface WriteConditions {
  readonly ifNoneMatch: boolean
  readonly ifMatch: string | undefined
}

/** S3 User Guide, "How to prevent object overwrites with conditional writes": `*` is all that If-None-Match takes. */
export function writeConditions(request: S3Request): WriteConditions {
  const ifNoneMatch = header(request, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw notImplemented(`If-None-Match: ${ifNoneMatch}`)
  const ifMatch = header(request, 'if-match')
  if (ifMatch !== undefined && ifNoneMatch !== undefined)
    throw notImplemented('If-Match and If-None-Match together')
  return {
    ifNoneMatch: ifNoneMatch !== undefined,
    ifMatch: ifMatch === undefined ? undefined : etagOf(ifMatch),
  }
}

/**
 * Refuses a write whose conditions do not hold now. `deletionsBefore` is from when the write began: if the key was
 * deleted since, a write that wanted it absent is told of the conflict (User Guide, same page: "409 Conflict").
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

/** Refuses a read or a delete of another object than the one that is meant. */
export function assertMatches(request: S3Request, etag: string): void {
  const ifMatch = header(request, 'if-match')
  if (ifMatch !== undefined && ifMatch !== '*' && etagOf(ifMatch) !== etag)
    throw preconditionFailed('If-Match')
}

/** An entity tag without its quotation marks, which clients may leave out. */
export function etagOf(text: string): string {
  return text.replace(/^"(.*)"$/, '$1')
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { Condition: condition })
}
