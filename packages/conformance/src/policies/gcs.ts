import { joined, json, type PolicyDocument } from './document.ts'

/** Permissions by request: https://cloud.google.com/storage/docs/access-control/iam-json. */
const reads = ['storage.objects.get', 'storage.objects.list']
const writes = [...reads, 'storage.objects.create', 'storage.objects.delete']

export function gcsPolicies(bucket: string, path: string): readonly PolicyDocument[] {
  const role = (title: string, includedPermissions: readonly string[]): string =>
    json({ title, stage: 'GA', includedPermissions })
  const objects = `projects/_/buckets/${bucket}/objects/${joined(path, '')}`
  // Listing is checked on the bucket: https://cloud.google.com/storage/docs/access-control/using-iam-managed-folders.
  const expression = `resource.name.startsWith("${objects}") || resource.name == "projects/_/buckets/${bucket}"`
  return [
    {
      title: 'Role of a writer (gcloud iam roles create holdfastWriter --project PROJECT --file FILE)',
      text: role('Holdfast writer', writes),
    },
    {
      title: 'Role of a reader (gcloud iam roles create holdfastReader --project PROJECT --file FILE)',
      text: role('Holdfast reader', reads),
    },
    {
      title: `Condition of the binding (gcloud storage buckets add-iam-policy-binding gs://${bucket} --member MEMBER --role ROLE --condition-from-file FILE)`,
      text: json({ title: 'holdfast-prefix', expression }),
    },
    {
      title: `Lifecycle of a bucket with versions (gcloud storage buckets update gs://${bucket} --lifecycle-file FILE, which replaces all rules)`,
      text: json({ rule: [oldVersions(path)] }),
    },
    {
      title:
        'Soft delete: a deleted object is billed until its retention ends, 7 days by default. This command ends that',
      text: `gcloud storage buckets update gs://${bucket} --clear-soft-delete`,
    },
  ]
}

/**
 * A delete in a bucket with versions keeps the object as a noncurrent version, which is billed:
 * https://cloud.google.com/storage/docs/lifecycle.
 */
function oldVersions(path: string): object {
  return {
    action: { type: 'Delete' },
    condition: {
      daysSinceNoncurrentTime: 7,
      ...(path === '' ? {} : { matchesPrefix: [joined(path, '')] }),
    },
  }
}
