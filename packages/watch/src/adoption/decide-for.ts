import type { CheckpointStore } from '@holdfast/core'
import { digestOfFiles } from '../folder/content-digest.ts'
import type { Adopted, AdoptedBytes, Memory } from '../memory/memory.ts'
import { isExtended, sealOf } from '../memory/seal.ts'
import { decide, type Decision, type Facts } from './decide.ts'
import type { WholeCheckpoint } from './inspect.ts'
import { mayEqual, storedAt, type StoredCheckpoint } from './stored.ts'

/** The input of a decision. */
export interface Known {
  readonly store: CheckpointStore
  readonly memory: Memory
  /** The planned saves by step. */
  readonly planned: ReadonlyMap<number, StoredCheckpoint>
  readonly signal: AbortSignal | undefined
}

/** Returns what to do with a complete checkpoint, given the store and the planned saves. */
export async function decideFor(
  whole: WholeCheckpoint,
  { store, memory, planned, signal }: Known,
): Promise<Decision> {
  const { candidate, snapshot, reading } = whole
  const known = memory.get(candidate.name)
  const step = reading.step ?? (await nextStep({ store, memory, planned, signal }))
  const stored = planned.get(step) ?? (await storedAt(store, reading.step ?? 'latest', signal))
  const mayBeKnown =
    known !== undefined ||
    memory.all.some((entry) => entry.step === step) ||
    (stored !== undefined && mayEqual(snapshot, stored))
  const digest = mayBeKnown ? await digestOfFiles(snapshot, signal) : undefined
  const isRepeated = stored !== undefined && stored.digest === digest
  const adopted = digest === undefined ? undefined : adoptedAs(known, memory, { step, digest })
  const isOfOtherStep = known !== undefined && known.step !== (reading.step ?? stored?.step)
  const listed = isOfOtherStep ? await storedAt(store, known.step, signal) : stored
  const facts: Facts = {
    step: isRepeated ? stored.step : step,
    digest,
    known,
    wasAdoptedElsewhere: digest !== undefined && memory.has(step, digest),
    isListed: listed !== undefined && listed.digest === digest,
    isRecomputed: stored === undefined && (await isRecomputed(whole, adopted, { store, signal })),
    isLateAddition: known !== undefined && (await isLateAddition(whole, known, { store, signal })),
    // A checkpoint without its own number never replaces another one.
    existing: reading.step !== undefined || isRepeated ? stored : undefined,
  }
  return decide(whole, facts)
}

/** Returns the memory of the same bytes, under the same name if possible. */
function adoptedAs(known: Adopted | undefined, memory: Memory, bytes: AdoptedBytes): Adopted | undefined {
  return [known, ...memory.all].find((entry) => entry?.step === bytes.step && entry.digest === bytes.digest)
}

async function isRecomputed(
  { snapshot }: WholeCheckpoint,
  adopted: Adopted | undefined,
  { store, signal }: Pick<Known, 'store' | 'signal'>,
): Promise<boolean> {
  if (adopted?.modifiedAt === undefined || snapshot.modifiedAt <= adopted.modifiedAt) return false
  const latest = await store.latest({ signal })
  return latest !== undefined && latest.step < adopted.step
}

async function isLateAddition(
  { snapshot, reading }: WholeCheckpoint,
  { step, seal }: Adopted,
  { store, signal }: Pick<Known, 'store' | 'signal'>,
): Promise<boolean> {
  if (seal === undefined || !isExtended(seal, sealOf(snapshot, reading.marker))) return false
  const latest = await store.latest({ signal })
  return latest !== undefined && latest.step !== step
}

/** Returns the step of a checkpoint without a number: one more than the highest step that the store ever had. */
async function nextStep({ store, memory, planned, signal }: Known): Promise<number> {
  const listed = await store.list({ signal })
  const steps = [...listed.map(({ step }) => step), ...memory.all.map(({ step }) => step), ...planned.keys()]
  return steps.reduce((highest, step) => Math.max(highest, step), 0) + 1
}
