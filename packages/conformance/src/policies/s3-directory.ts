import { json, type PolicyDocument } from './document.ts'
import { keyStatement, type S3PolicyOptions } from './s3.ts'
import { lifecycleOf, unfinishedUploads } from './s3-lifecycle.ts'

/**
 * Returns whether a name is that of a directory bucket (`--x-s3`), or of an access point of one (`--xa-s3`):
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-directory-buckets.html.
 */
export function isDirectory(name: string): boolean {
  return /--xa?-s3$/.test(name)
}

/**
 * Returns the documents of a directory bucket. Its permissions are those of sessions, and cannot name a path:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam.html. A session gets the permissions that its
 * user has, so a client need not request a mode: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html.
 */
export function directoryPolicies(
  name: string,
  path: string,
  { kmsKeyId }: S3PolicyOptions,
): readonly PolicyDocument[] {
  const isAccessPoint = name.endsWith('--xa-s3')
  const whole = isAccessPoint
    ? 'for the whole access point, whose bucket must delegate to it'
    : 'for the whole directory bucket'
  const policy = (condition: object, keyActions: readonly string[]): string =>
    json({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Session',
          Effect: 'Allow',
          Action: 's3express:CreateSession',
          Resource: `arn:aws:s3express:*:*:${isAccessPoint ? 'accesspoint' : 'bucket'}/${name}`,
          ...condition,
        },
        ...(kmsKeyId === undefined ? [] : [keyStatement(kmsKeyId, keyActions)]),
      ],
    })
  const readOnly = { Condition: { StringEquals: { 's3express:SessionMode': 'ReadOnly' } } }
  return [
    { title: `Policy of a writer (IAM), ${whole}`, text: policy({}, ['kms:GenerateDataKey', 'kms:Decrypt']) },
    { title: `Policy of a reader (IAM), ${whole}`, text: policy(readOnly, ['kms:Decrypt']) },
    lifecycleOf(isAccessPoint ? 'BUCKET' : name, [unfinishedUploads(path)]),
  ]
}
