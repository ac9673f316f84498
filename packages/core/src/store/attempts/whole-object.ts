import type { ManifestFile } from '../../catalog/documents/index.ts'

/** Whether a file is an object of its own, and not in a pack or in the manifest. */
export function isWholeObject({ offset, content }: ManifestFile): boolean {
  return offset === undefined && content === undefined
}
