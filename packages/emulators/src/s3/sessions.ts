import { randomUUID } from 'node:crypto'
import type { Run } from './context.ts'
import { isDirectoryBucket } from './directory-bucket.ts'
import { notImplemented } from './errors.ts'
import type { S3Credentials } from './signature.ts'
import { writeXml } from './xml.ts'

/** How long a session lasts: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html. */
const fiveMinutes = 5 * 60_000

/** The credentials of sessions, by their access key. */
export class Sessions {
  readonly #credentials = new Map<string, S3Credentials & { readonly expires: number }>()

  begin(now: Date): S3Credentials & { readonly expires: number } {
    const session = {
      accessKeyId: `session-${randomUUID()}`,
      secretAccessKey: randomUUID(),
      sessionToken: randomUUID(),
      expires: now.getTime() + fiveMinutes,
    }
    this.#credentials.set(session.accessKeyId, session)
    return session
  }

  /** Returns the credentials of a session; `undefined` if it does not exist or has expired. */
  find(accessKeyId: string | undefined, now: Date): S3Credentials | undefined {
    const session = this.#credentials.get(accessKeyId ?? '')
    return session === undefined || session.expires <= now.getTime() ? undefined : session
  }
}

/** Begins a session, whose credentials sign later requests: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html. */
export const createSession: Run = async ({ sessions, now }, { bucket }) => {
  if (!isDirectoryBucket(bucket)) throw notImplemented('CreateSession for a general purpose bucket')
  const { accessKeyId, secretAccessKey, sessionToken, expires } = sessions.begin(now())
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('CreateSessionResult', {
      Credentials: {
        SessionToken: sessionToken,
        SecretAccessKey: secretAccessKey,
        AccessKeyId: accessKeyId,
        Expiration: new Date(expires).toISOString(),
      },
    }),
  }
}
