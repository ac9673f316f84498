import { fromNodeError } from '@holdfast/core/backend'
import { contentsOf } from '../folder/contents.ts'
import { type Candidate, isGone } from '../folder/find-candidates.ts'
import { type Snapshot, takeSnapshot } from '../folder/snapshot.ts'
import type { CompleteReading, Layout, Reading } from '../layouts/layout.ts'
import type { Adopted, Memory } from '../memory/memory.ts'

/** A checkpoint that is complete as far as its bytes show. */
export interface WholeCheckpoint {
  readonly candidate: Candidate
  readonly snapshot: Snapshot
  readonly reading: CompleteReading
}

export type Inspection =
  | { readonly state: 'foreign' }
  | { readonly state: 'incomplete'; readonly candidate: Candidate; readonly missing: string }
  /** Its files look as they did when they were adopted. */
  | {
      readonly state: 'adopted'
      readonly candidate: Candidate
      readonly snapshot: Snapshot
      readonly known: Adopted
    }
  | ({ readonly state: 'complete' } & WholeCheckpoint)

/** Looks at a place that a layout's pattern matches. One that is being deleted is foreign. */
export async function inspect(candidate: Candidate, layout: Layout, memory: Memory): Promise<Inspection> {
  const snapshot = await takeSnapshot(candidate)
  if (snapshot === undefined || snapshot.files.length === 0) return { state: 'foreign' }
  const known = memory.get(candidate.name)
  const isKnown = known?.fingerprint === snapshot.fingerprint && known.layout === layout.name
  if (isKnown) return { state: 'adopted', candidate, snapshot, known }
  const reading = await readQuietly(candidate, snapshot, layout)
  switch (reading.state) {
    case 'foreign':
      return reading
    case 'incomplete':
      return { state: 'incomplete', candidate, missing: reading.missing }
    case 'complete': {
      const marker = markerOf(snapshot, reading)
      // Its files are written anew in place, and the marker is that of the save before.
      if (marker !== undefined && marker === known?.marker)
        return { state: 'incomplete', candidate, missing: `a new ${reading.marker ?? 'marker'}` }
      return { state: 'complete', candidate, snapshot, reading }
    }
  }
}

/** How the file looks that the trainer writes last. */
export function markerOf({ files }: Snapshot, { marker }: CompleteReading): string | undefined {
  return files.find(({ inside }) => inside === marker)?.identity
}

async function readQuietly(candidate: Candidate, snapshot: Snapshot, layout: Layout): Promise<Reading> {
  try {
    return await layout.read(contentsOf(candidate, snapshot))
  } catch (error) {
    if (isGone(error)) return { state: 'foreign' }
    throw fromNodeError(error, `reading ${candidate.path}`)
  }
}
