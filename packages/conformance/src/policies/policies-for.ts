import { azurePolicies } from './azure.ts'
import type { PolicyDocument } from './document.ts'
import { gcsPolicies } from './gcs.ts'
import { directoryPolicies, isDirectory } from './s3-directory.ts'
import { s3Policies, s3PolicyOptions } from './s3.ts'

/**
 * Returns the documents that grant only what Holdfast needs at a place, and the rules of the bucket that remove unfinished
 * uploads and the remains of deleted objects. On S3, the options `legalHolds` and `kmsKeyId` of the URL add the permissions that they need. Returns none
 * for a place that has no such documents, such as a disk.
 */
export function policiesFor({ protocol, host, pathname, searchParams }: URL): readonly PolicyDocument[] {
  const path = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '')
  switch (protocol) {
    case 's3:':
      return (isDirectory(host) ? directoryPolicies : s3Policies)(host, path, s3PolicyOptions(searchParams))
    case 'gs:':
      return gcsPolicies(host, path)
    case 'az:':
      return azurePolicies(host, path)
    default:
      return []
  }
}
