import { basename } from 'node:path'
import { type HoldfastError, isHoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { contentsOf } from '../folder/contents.ts'
import { type Candidate, isGone } from '../folder/find-candidates.ts'
import { type Snapshot, takeSnapshot } from '../folder/snapshot.ts'
import type { CompleteReading, Layout, Reading } from '../layouts/layout.ts'
import type { Adopted, Memory } from '../memory/memory.ts'
import { type Breach, breachOf, type Seal, sealOf } from '../memory/seal.ts'
import { factsOfName } from '../names/name-facts.ts'

/** A checkpoint that is complete, as far as its bytes show. */
export interface WholeCheckpoint {
  readonly candidate: Candidate
  readonly snapshot: Snapshot
  readonly reading: CompleteReading
}

export type Inspection =
  | { readonly state: 'foreign' }
  | { readonly state: 'incomplete'; readonly candidate: Candidate; readonly missing: string }
  /** Its name is that of a checkpoint, and its files cannot be read. */
  | {
      readonly state: 'unreadable'
      readonly candidate: Candidate
      /** The number in its name. A folder has one. */
      readonly number: number | undefined
      readonly error: HoldfastError
    }
  /** The files have the same state as when they were adopted. */
  | {
      readonly state: 'adopted'
      readonly candidate: Candidate
      readonly snapshot: Snapshot
      readonly known: Adopted
    }
  | ({ readonly state: 'complete' } & WholeCheckpoint)

/**
 * Inspects a place that matches a pattern of a layout. A place that is being deleted counts as foreign. So does a folder
 * that cannot be read and has no number in its name, such as `lost+found`: some patterns match every folder.
 */
export async function inspect(
  candidate: Candidate,
  layout: Layout,
  memory: Memory,
  seen: SeenSeals,
): Promise<Inspection> {
  try {
    return await inspectReadable(candidate, layout, memory, seen)
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    const number = numberIn(candidate)
    if (candidate.isFolder && number === undefined) return { state: 'foreign' }
    return { state: 'unreadable', candidate, number, error }
  }
}

async function inspectReadable(
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
      const ofSeen = seen.breachBy(candidate.name, seal)
      const breach = ofSeen ?? (known?.seal === undefined ? undefined : breachOf(known.seal, seal, true))
      if (breach === 'deleted') return { state: 'incomplete', candidate, missing: 'files that were deleted' }
      if (breach === 'written anew')
        return { state: 'incomplete', candidate, missing: `a new ${reading.marker ?? 'last file'}` }
      return { state: 'complete', candidate, snapshot, reading }
    }
  }
}

function numberIn({ path, captured }: Candidate): number | undefined {
  const { step, epoch } = factsOfName(basename(path))
  return captured.step ?? captured.epoch ?? step ?? epoch
}

/** The first complete state with each marker, including checkpoints that are not adopted yet. */
export class SeenSeals {
  readonly #seals = new Map<string, Seal>()

  /** Returns what has happened to a checkpoint since its first complete state. Records a new marker. */
  breachBy(name: string, seal: Seal): Breach | undefined {
    const before = this.#seals.get(name)
    if (before !== undefined && before.marker === seal.marker) return breachOf(before, seal, false)
    this.#seals.set(name, seal)
    return undefined
  }

  /** Forgets checkpoints that no longer exist. */
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
