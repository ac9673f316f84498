import { HeadBucketCommand, ListBucketsCommand } from '@aws-sdk/client-s3'
import type { Bucket } from './bucket.ts'

/**
 * Returns the address to which the SDK would send a request about the bucket. Only the SDK knows it: an endpoint can
 * come from the options, a ready-made client, the environment or a profile. Sends no request about the bucket. For a directory
 * bucket, the SDK begins a session first.
 */
export async function endpoint({ client, name }: Bucket): Promise<string> {
  const command = new HeadBucketCommand({ Bucket: name })
  command.middlewareStack.add(() => stop, beforeSending)
  return resolvedBy(client.send(command))
}

/**
 * Returns the address of the service, which is the same for all its buckets. That of a bucket has its name in the path or
 * in the host. On Amazon S3, it contains the region. Sends no request.
 */
export async function serviceEndpoint({ client }: Bucket): Promise<string> {
  const command = new ListBucketsCommand()
  command.middlewareStack.add(() => stop, beforeSending)
  return resolvedBy(client.send(command))
}

const beforeSending = { step: 'build', name: 'holdfastEndpoint' } as const

function stop({ request }: { readonly request: unknown }): never {
  throw new Resolved(request)
}

async function resolvedBy(sending: Promise<unknown>): Promise<string> {
  try {
    await sending
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
