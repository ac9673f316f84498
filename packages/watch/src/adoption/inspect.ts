import { fromNodeError } from '@holdfast/core/backend'
import { contentsOf } from '../folder/contents.ts'
import { type Candidate, isGone } from '../folder/find-candidates.ts'
import { type Snapshot, takeSnapshot } from '../folder/snapshot.ts'
import type { CompleteReading, Layout, Reading } from '../layouts/layout.ts'
import type { Adopted, Memory } from '../memory/memory.ts'
import { isBroken, type Seal, sealOf } from '../memory/seal.ts'

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
export async function inspect(
  candidate: Candidate,
  layout: Layout,
  memory: Memory,
  seen: SeenSeals,
): Promise<Inspection> {
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
      const seal = sealOf(snapshot, reading.marker)
      const isMixture =
        seal !== undefined &&
        (seen.isBrokenBy(candidate.name, seal) ||
          (known?.seal !== undefined && isBroken(known.seal, seal, true)))
      if (isMixture)
        return { state: 'incomplete', candidate, missing: `a new ${reading.marker ?? 'last file'}` }
      return { state: 'complete', candidate, snapshot, reading }
    }
  }
}

/** The first complete state that was seen under each marker, also of checkpoints that are not adopted yet. */
export class SeenSeals {
  readonly #seals = new Map<string, Seal>()

  /** Whether a checkpoint is a mixture of a save that was seen and of a later one. Notes a new marker. */
  isBrokenBy(name: string, seal: Seal): boolean {
    const before = this.#seals.get(name)
    if (before?.marker === seal.marker) return isBroken(before, seal, false)
    this.#seals.set(name, seal)
    return false
  }

  /** Forgets the checkpoints that are gone. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#seals.keys()) if (!names.has(name)) this.#seals.delete(name)
  }
}

async function readQuietly(candidate: Candidate, snapshot: Snapshot, layout: Layout): Promise<Reading> {
  try {
    return await layout.read(contentsOf(candidate, snapshot))
  } catch (error) {
    if (isGone(error)) return { state: 'foreign' }
    throw fromNodeError(error, `reading ${candidate.path}`)
  }
}
