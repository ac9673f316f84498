import { HoldfastError } from '@holdfast/core/backend'
import type { Bucket } from './bucket.ts'
import { endpoint } from './endpoint.ts'

/** Services whose S3 interface has no conditional create, so that two writers could both win. */
const withoutConditions = [
  {
    // It answers 501 to `If-None-Match`: https://www.backblaze.com/docs/cloud-storage-s3-compatible-api.
    domain: 'backblazeb2.com',
    name: 'Backblaze B2',
    instead:
      'Keep the store on a disk, Amazon S3, Cloudflare R2 or MinIO, and copy restored files to B2 by other means.',
  },
  {
    // The header has another meaning there: https://cloud.google.com/storage/docs/xml-api/reference-headers.
    domain: 'storage.googleapis.com',
    name: 'The S3 interface of Google Cloud Storage',
    instead: 'Use gs://BUCKET/PATH instead.',
  },
] as const

/** Throws `UNSUPPORTED` for the address of a service that is known to have no conditional create. */
export function refuseWithoutConditions(address: string): void {
  const host = URL.parse(address)?.hostname
  const found = withoutConditions.find(
    ({ domain }) => host === domain || host?.endsWith(`.${domain}`) === true,
  )
  if (found === undefined) return
  throw new HoldfastError(
    'UNSUPPORTED',
    `${found.name} cannot create an object only if it is absent, which every commit requires. ${found.instead}`,
  )
}

/** Buckets whose address was looked at. */
const accepted = new WeakSet<Bucket>()

/**
 * Rejects with `UNSUPPORTED` if the bucket is at such a service. The address may come from the environment, a profile or a
 * ready-made client, and only the SDK knows it. Looks once, and sends no request. A directory bucket is at Amazon S3, and the SDK
 * would begin a session before it resolves the address.
 */
export async function requireConditions(bucket: Bucket): Promise<void> {
  if (bucket.isDirectory || accepted.has(bucket)) return
  refuseWithoutConditions(await endpoint(bucket))
  accepted.add(bucket)
}
