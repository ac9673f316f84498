import { CreateSessionCommand, type S3Client } from '@aws-sdk/client-s3'
import { withoutUndefined } from '@holdfast/core/backend'

/** Milliseconds. A session lasts 5 minutes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html. */
const replacedBefore = 60_000

type Provider = S3Client['config']['s3ExpressIdentityProvider']
type Session = Awaited<ReturnType<Provider['getS3ExpressIdentity']>>

/** A session of a directory bucket, and one that is being begun. */
interface Known {
  readonly accessKeyId: string
  session?: Session
  underWay?: Promise<Session> | undefined
}

/**
 * Begins the sessions of directory buckets, and remembers them. The provider of the SDK also remembers a session that could not be
 * begun, so every later request fails. If it cannot replace one, the process ends with an unhandled rejection:
 * https://github.com/aws/aws-sdk-js-v3/blob/main/packages/middleware-sdk-s3/src/s3-express/classes/S3ExpressIdentityProviderImpl.ts.
 */
export class ExpressSessions implements Provider {
  readonly #client: () => Pick<S3Client, 'send'>
  readonly #now: () => number
  readonly #known = new Map<string, Known>()

  /** `now` returns milliseconds since 1970. */
  constructor(client: () => Pick<S3Client, 'send'>, now: () => number = Date.now) {
    this.#client = client
    this.#now = now
  }

  async getS3ExpressIdentity(
    { accessKeyId }: { readonly accessKeyId: string },
    { Bucket: bucket = '' }: Readonly<Record<string, string>>,
  ): Promise<Session> {
    let known = this.#known.get(bucket)
    if (known?.accessKeyId !== accessKeyId) this.#known.set(bucket, (known = { accessKeyId }))
    const { session } = known
    if (session !== undefined && this.#lasts(session, replacedBefore)) return session
    known.underWay ??= this.#replace(bucket, known)
    known.underWay.catch(() => undefined) // the callers get the error, unless all of them have a session
    return session !== undefined && this.#lasts(session, 0) ? session : known.underWay
  }

  #lasts({ expiration }: Session, milliseconds: number): boolean {
    return expiration !== undefined && expiration.getTime() - this.#now() > milliseconds
  }

  async #replace(bucket: string, known: Known): Promise<Session> {
    try {
      const { Credentials: given } = await this.#client().send(new CreateSessionCommand({ Bucket: bucket }))
      const {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        SessionToken: sessionToken,
      } = given ?? {}
      if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined)
        throw new Error('The response that begins a session has no credentials')
      const session = {
        accessKeyId,
        secretAccessKey,
        sessionToken,
        ...withoutUndefined({ expiration: given?.Expiration }),
      }
      known.session = session
      return session
    } finally {
      known.underWay = undefined
    }
  }
}
