/**
 * An error as the JSON API gives it (Cloud Storage JSON API, "HTTP status and error codes for JSON"): a status and
 * a reason.
 */
export class GcsError extends Error {
  readonly status: number
  readonly reason: string
  /** Where in the request the cause lies. */
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

  /** The body that tells it. */
  toJSON(): object {
    const { message, reason, status: code } = this
    return { error: { code, message, errors: [{ message, domain: 'global', reason, ...this.location }] } }
  }
}

/** An error that is told in plain text, as GCS does on uploads. */
export class PlainError extends GcsError {}

export function invalid(message: string): GcsError {
  return new GcsError(400, 'invalid', message)
}

/** The emulator is strict: what it does not know it does not ignore. */
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
