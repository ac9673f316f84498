/**
 * An error of the JSON API, with a status and a reason:
 * https://cloud.google.com/storage/docs/json_api/v1/status-codes.
 */
export class GcsError extends Error {
  readonly status: number
  readonly reason: string
  /** The part of the request that caused the error. */
  readonly location: { readonly locationType: string; readonly location: string } | undefined

  constructor(
    status: number,
    reason: string,
    message: string,
    location?: { readonly locationType: string; readonly location: string },
  ) {
    super(message)
    this.status = status
    this.reason = reason
    this.location = location
  }

  /** Returns the body of the error response. */
  toJSON(): object {
    const { message, reason, status: code } = this
    return { error: { code, message, errors: [{ message, domain: 'global', reason, ...this.location }] } }
  }
}

/** An error whose response is plain text, as it is for uploads to GCS. */
export class PlainError extends GcsError {}

export function invalid(message: string): GcsError {
  return new GcsError(400, 'invalid', message)
}

/** Returns the error for everything that the emulator does not support. */
export function notImplemented(what: string): GcsError {
  return new GcsError(501, 'notImplemented', `The emulator does not know ${what}.`)
}

export function noSuchObject(bucket: string, name: string): GcsError {
  return new GcsError(404, 'notFound', `No such object: ${bucket}/${name}`)
}

export function noSuchBucket(): GcsError {
  return new GcsError(404, 'notFound', 'The specified bucket does not exist.')
}

export function conditionNotMet(): GcsError {
  return new GcsError(
    412,
    'conditionNotMet',
    'At least one of the pre-conditions you specified did not hold.',
    { locationType: 'header', location: 'If-Match' },
  )
}
