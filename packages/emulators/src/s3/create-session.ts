import type { Run } from './context.ts'
import { isDirectoryBucket } from './directory-bucket.ts'
import { notImplemented } from './errors.ts'
import { writeXml } from './xml.ts'

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
