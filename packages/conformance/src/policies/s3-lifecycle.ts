import { joined, json, type PolicyDocument } from './document.ts'

export function lifecycleOf(bucket: string, rules: readonly object[], kind = ''): PolicyDocument {
  return {
    title: `Lifecycle ${kind}(aws s3api put-bucket-lifecycle-configuration --bucket ${bucket} --lifecycle-configuration file://FILE, which replaces all rules)`,
    text: json({ Rules: rules }),
  }
}

export function unfinishedUploads(path: string): object {
  return {
    ID: 'holdfast-unfinished-uploads',
    Status: 'Enabled',
    Filter: { Prefix: joined(path, '') },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  }
}

/**
 * A delete in a bucket with versions only hides an object, so deleted checkpoints are billed until a rule removes them. It cannot
 * remove versions under retention or a legal hold: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html.
 */
export function oldVersions(path: string): readonly object[] {
  return [
    {
      ID: 'holdfast-deleted-objects',
      Status: 'Enabled',
      Filter: { Prefix: joined(path, '') },
      NoncurrentVersionExpiration: { NoncurrentDays: 7 },
      Expiration: { ExpiredObjectDeleteMarker: true },
    },
  ]
}
