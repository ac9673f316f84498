import { joined, json, type PolicyDocument } from './document.ts'
import { lifecycleOf, oldVersions, unfinishedUploads } from './s3-lifecycle.ts'

/** Actions of S3 by request: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html. */
const reads = ['s3:GetObject']
const writes = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]

/** The options in the URL of a store that need further permissions. */
export interface S3PolicyOptions {
  readonly legalHolds: boolean
  readonly kmsKeyId: string | undefined
}

/** Returns the options of a store from its URL. */
export function s3PolicyOptions(query: URLSearchParams): S3PolicyOptions {
  return { legalHolds: query.get('legalHolds') === 'true', kmsKeyId: query.get('kmsKeyId') ?? undefined }
}

export function s3Policies(
  bucket: string,
  path: string,
  { legalHolds, kmsKeyId }: S3PolicyOptions,
): readonly PolicyDocument[] {
  const policy = (
    objects: readonly string[],
    bucketActions: readonly string[],
    keyActions: readonly string[],
  ): string => {
    const resource = `arn:aws:s3:::${bucket}`
    const [list, ...whole] = bucketActions
    const below = path === '' ? {} : { Condition: { StringLike: { 's3:prefix': [path, `${path}/*`] } } }
    return json({
      Version: '2012-10-17',
      Statement: [
        { Sid: 'Objects', Effect: 'Allow', Action: objects, Resource: `${resource}/${joined(path, '*')}` },
        { Sid: 'List', Effect: 'Allow', Action: list, Resource: resource, ...below },
        ...whole.map((Action) => ({ Sid: 'Uploads', Effect: 'Allow', Action, Resource: resource })),
        ...(kmsKeyId === undefined ? [] : [keyStatement(kmsKeyId, keyActions)]),
      ],
    })
  }
  const holds = legalHolds ? ['s3:PutObjectLegalHold'] : []
  return [
    {
      title: 'Policy of a writer (IAM)',
      text: policy(
        [...writes, ...holds],
        ['s3:ListBucket', 's3:ListBucketMultipartUploads'],
        ['kms:GenerateDataKey', 'kms:Decrypt'],
      ),
    },
    { title: 'Policy of a reader (IAM)', text: policy(reads, ['s3:ListBucket'], ['kms:Decrypt']) },
    lifecycleOf(bucket, [unfinishedUploads(path)]),
    lifecycleOf(
      bucket,
      [unfinishedUploads(path), ...oldVersions(path)],
      'of a bucket with versions or object lock ',
    ),
  ]
}

/**
 * Allows the use of a key of AWS KMS. A writer decrypts, too, because S3 reads the parts of an upload:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html. An alias cannot be a resource:
 * https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html. The key of AWS that an account has by default
 * needs no statement.
 */
export function keyStatement(kmsKeyId: string, actions: readonly string[]): object {
  const statement = { Sid: 'Key', Effect: 'Allow', Action: actions }
  const [, alias] = /(?:^|:)(alias\/.+)$/.exec(kmsKeyId) ?? []
  if (alias !== undefined)
    return {
      ...statement,
      Resource: 'arn:aws:kms:*:*:key/*',
      Condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } },
    }
  return {
    ...statement,
    Resource: kmsKeyId.startsWith('arn:') ? kmsKeyId : `arn:aws:kms:*:*:key/${kmsKeyId}`,
  }
}
