import { randomUUID } from 'node:crypto'
import type { S3Credentials } from './signature.ts'

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
