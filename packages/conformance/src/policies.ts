/** A document that a user applies to a bucket or a role, with the command that applies it. */
export interface PolicyDocument {
  readonly title: string
  readonly text: string
}

/**
 * Returns the documents that grant only what Holdfast needs at a place, and the rule of the bucket that removes unfinished
 * uploads. Returns none for a place that has no such documents, such as a disk.
 */
export function policiesFor({ protocol, host, pathname }: URL): readonly PolicyDocument[] {
  const path = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '')
  switch (protocol) {
    case 's3:':
      return host.endsWith('--x-s3') ? directoryPolicies(host, path) : s3Policies(host, path)
    case 'gs:':
      return gcsPolicies(host, path)
    case 'az:':
      return azurePolicies(host, path)
    default:
      return []
  }
}

/** Actions of S3 by request: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html. */
const s3Reads = ['s3:GetObject']
const s3Writes = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
]

function s3Policies(bucket: string, path: string): readonly PolicyDocument[] {
  const policy = (objects: readonly string[], bucketActions: readonly string[]): string => {
    const resource = `arn:aws:s3:::${bucket}`
    const [list, ...whole] = bucketActions
    const below = path === '' ? {} : { Condition: { StringLike: { 's3:prefix': [path, `${path}/*`] } } }
    return json({
      Version: '2012-10-17',
      Statement: [
        { Sid: 'Objects', Effect: 'Allow', Action: objects, Resource: `${resource}/${joined(path, '*')}` },
        { Sid: 'List', Effect: 'Allow', Action: list, Resource: resource, ...below },
        ...whole.map((Action) => ({ Sid: 'Uploads', Effect: 'Allow', Action, Resource: resource })),
      ],
    })
  }
  return [
    {
      title: 'Policy of a writer (IAM)',
      text: policy(s3Writes, ['s3:ListBucket', 's3:ListBucketMultipartUploads']),
    },
    { title: 'Policy of a reader (IAM)', text: policy(s3Reads, ['s3:ListBucket']) },
    lifecycleOf(bucket, [unfinishedUploads(path)]),
    lifecycleOf(
      bucket,
      [unfinishedUploads(path), ...oldVersions(path)],
      'of a bucket with versions or object lock ',
    ),
  ]
}

/**
 * Returns the documents of a directory bucket. Its permissions are those of sessions, and cannot name a path:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam.html. A session gets the permissions that its
 * user has, so a client need not request a mode: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateSession.html.
 */
function directoryPolicies(bucket: string, path: string): readonly PolicyDocument[] {
  const policy = (condition: object): string =>
    json({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Session',
          Effect: 'Allow',
          Action: 's3express:CreateSession',
          Resource: `arn:aws:s3express:*:*:bucket/${bucket}`,
          ...condition,
        },
      ],
    })
  const readOnly = { Condition: { StringEquals: { 's3express:SessionMode': 'ReadOnly' } } }
  return [
    { title: 'Policy of a writer (IAM), for the whole directory bucket', text: policy({}) },
    { title: 'Policy of a reader (IAM), for the whole directory bucket', text: policy(readOnly) },
    lifecycleOf(bucket, [unfinishedUploads(path)]),
  ]
}

function lifecycleOf(bucket: string, rules: readonly object[], kind = ''): PolicyDocument {
  return {
    title: `Lifecycle ${kind}(aws s3api put-bucket-lifecycle-configuration --bucket ${bucket} --lifecycle-configuration file://FILE, which replaces all rules)`,
    text: json({ Rules: rules }),
  }
}

function unfinishedUploads(path: string): object {
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
function oldVersions(path: string): readonly object[] {
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

/** Permissions by request: https://cloud.google.com/storage/docs/access-control/iam-json. */
function gcsPolicies(bucket: string, path: string): readonly PolicyDocument[] {
  const role = (title: string, includedPermissions: readonly string[]): string =>
    json({ title, stage: 'GA', includedPermissions })
  const reads = ['storage.objects.get', 'storage.objects.list']
  const objects = `projects/_/buckets/${bucket}/objects/${joined(path, '')}`
  // Listing is checked on the bucket: https://cloud.google.com/storage/docs/access-control/using-iam-managed-folders.
  const expression = `resource.name.startsWith("${objects}") || resource.name == "projects/_/buckets/${bucket}"`
  return [
    {
      title: 'Role of a writer (gcloud iam roles create holdfastWriter --project PROJECT --file FILE)',
      text: role('Holdfast writer', [...reads, 'storage.objects.create', 'storage.objects.delete']),
    },
    {
      title: 'Role of a reader (gcloud iam roles create holdfastReader --project PROJECT --file FILE)',
      text: role('Holdfast reader', reads),
    },
    {
      title: `Condition of the binding (gcloud storage buckets add-iam-policy-binding gs://${bucket} --member MEMBER --role ROLE --condition-from-file FILE)`,
      text: json({ title: 'holdfast-prefix', expression }),
    },
  ]
}

/** Data actions: https://learn.microsoft.com/azure/role-based-access-control/permissions/storage. */
function azurePolicies(account: string, path: string): readonly PolicyDocument[] {
  const [container = ''] = path.split('/')
  const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
  const scope = `/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Storage/storageAccounts/${account}/blobServices/default/containers/${container}`
  const role = (Name: string, actions: readonly string[]): string =>
    json({
      Name,
      Description: `${Name} of the container ${container}`,
      Actions: [],
      DataActions: actions.map((action) => `${blobs}/${action}`),
      AssignableScopes: [scope],
    })
  const writes = ['read', 'write', 'delete', 'add/action']
  return [
    {
      title: 'Role of a writer (az role definition create --role-definition FILE)',
      text: role('Holdfast writer', writes),
    },
    {
      title: 'Role of a reader (az role definition create --role-definition FILE)',
      text: role('Holdfast reader', ['read']),
    },
    { title: 'Shared access signature of a writer instead of a role', text: 'sp=racwdl' },
  ]
}

function joined(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`
}

function json(document: object): string {
  return JSON.stringify(document, null, 2)
}
