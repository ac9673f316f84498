import type { CatalogEntry, Manifest, ManifestFile } from '../../catalog/documents/index.ts'
import { isHoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import { verifiedManifest } from './read-verified.ts'

/** Returns the steps whose checkpoints share the bytes of a file on a disk, in the order of `others`. */
export async function sharingSteps(
  { backend }: StoreContext,
  { attempt }: Manifest,
  { name, sharedWith = attempt }: ManifestFile,
  others: readonly CatalogEntry[],
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  const steps: number[] = []
  for (const other of others) {
    const mayShare = other.attempt === sharedWith || other.shared?.some((each) => each.attempt === sharedWith)
    if (other.attempt === attempt || mayShare !== true) continue
    try {
      const { files } = await verifiedManifest(backend, other, signal)
      const twin = files.find((file) => file.name === name)
      if (twin !== undefined && (twin.sharedWith ?? other.attempt) === sharedWith) steps.push(other.step)
    } catch (error) {
      // Another damaged checkpoint is reported by itself.
      if (!isHoldfastError(error, 'CORRUPT', 'UNSUPPORTED')) throw error
    }
  }
  return steps
}

/** Returns a sentence about shared bytes, to follow the description of a fault. Empty if they are not shared. */
export function sharedText(steps: readonly number[]): string {
  if (steps.length === 0) return ''
  const names = steps.map((step) => `step ${step}`)
  const list =
    names.length === 1 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
  return `. Its bytes on the disk are shared with ${list}`
}
