import { HeadBucketCommand } from '@aws-sdk/client-s3'
import type { Bucket } from './bucket.ts'

/**
 * Returns the address to which the SDK would send a request about the bucket. Only the SDK knows it: an endpoint can
 * come from the options, a ready-made client, the environment or a profile. Sends no request.
 */
export async function endpoint({ client, name }: Bucket): Promise<string> {
  const command = new HeadBucketCommand({ Bucket: name })
  command.middlewareStack.add(
    () =>
      ({ request }) => {
        throw new Resolved(request)
      },
    { step: 'build', name: 'holdfastEndpoint' },
  )
  try {
    await client.send(command)
  } catch (error) {
    if (error instanceof Resolved) return error.url
    throw error
  }
  throw new Error('The SDK sent a request that should have been stopped')
}

/** Stops a request once the SDK has resolved its address. */
class Resolved extends Error {
  readonly url: string

  constructor(request: unknown) {
    super('The address is resolved')
    this.url = urlOf(request)
  }
}

function urlOf(request: unknown): string {
  if (typeof request !== 'object' || request === null) throw new Error('The SDK made no HTTP request')
  const part = (name: string): string => String(Reflect.get(request, name) ?? '')
  const port = part('port') === '' ? '' : `:${part('port')}`
  return `${part('protocol')}//${part('hostname')}${port}${part('path')}`
}
