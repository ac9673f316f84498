import { CheckpointStore, type Diagnosis } from '@holdfast/core'
import type { CheckpointBackend } from '@holdfast/core/backend'

/** The checks of a store that concern the place. The others describe a store, and here is none. */
const checksOfPlace: readonly Diagnosis['check'][] = [
  'read',
  'write',
  'delete',
  'clock',
  'conditional create',
  'free space',
]

/** Tries what a writer needs at a place: permissions, clock and conditional writes. The backend stays open. */
export async function probe(backend: CheckpointBackend): Promise<readonly Diagnosis[]> {
  const diagnoses = await new CheckpointStore(backend).doctor()
  return diagnoses.filter(({ check }) => checksOfPlace.includes(check))
}
