import { joined, json, type PolicyDocument } from './document.ts'

/**
 * Data actions: https://learn.microsoft.com/azure/role-based-access-control/permissions/storage. Those and the letters of a
 * signature that allow to write also allow to create: https://learn.microsoft.com/rest/api/storageservices/put-blob.
 */
const blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'

/** `path` begins with the name of the container. */
export function azurePolicies(account: string, path: string): readonly PolicyDocument[] {
  const [container = ''] = path.split('/')
  const scope = `/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.Storage/storageAccounts/${account}/blobServices/default/containers/${container}`
  const role = (Name: string, actions: readonly string[]): string =>
    json({
      Name,
      Description: `${Name} of the container ${container}`,
      Actions: [],
      DataActions: actions.map((action) => `${blobs}/${action}`),
      AssignableScopes: [scope],
    })
  return [
    {
      title: 'Role of a writer (az role definition create --role-definition FILE)',
      text: role('Holdfast writer', ['read', 'write', 'delete']),
    },
    {
      title: 'Role of a reader (az role definition create --role-definition FILE)',
      text: role('Holdfast reader', ['read']),
    },
    { title: 'Shared access signature of a writer instead of a role', text: 'sp=rwdl' },
    { title: 'Shared access signature of a reader instead of a role', text: 'sp=rl' },
    {
      title: `Lifecycle of an account with versions or snapshots: it deletes a previous version a week after the blob was written, also if the blob was deleted today (az storage account management-policy create --account-name ${account} --resource-group GROUP --policy @FILE, which replaces all rules)`,
      text: json({ rules: [oldVersions(path)] }),
    },
    {
      title:
        'Soft delete: a deleted blob is billed for these days. This command sets them for the whole account',
      text: `az storage account blob-service-properties update --account-name ${account} --enable-delete-retention true --delete-retention-days 7`,
    },
  ]
}

/**
 * A delete in an account with versions keeps a version, which is billed. The actions concern previous versions and snapshots
 * only: https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-policy-structure.
 */
function oldVersions(path: string): object {
  const afterAWeek = { delete: { daysAfterCreationGreaterThan: 7 } }
  return {
    name: 'holdfast-deleted-blobs',
    enabled: true,
    type: 'Lifecycle',
    definition: {
      actions: { version: afterAWeek, snapshot: afterAWeek },
      filters: { blobTypes: ['blockBlob'], prefixMatch: [joined(path, '')] },
    },
  }
}
