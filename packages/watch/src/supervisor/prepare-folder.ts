import { type CheckpointStore, isHoldfastError, type MirrorReading } from '@holdfast/core'
import type { Adopter } from '../adoption/adopter.ts'
import { systemClock } from '../clock.ts'
import type { FolderClaim } from './claim.ts'
import { compareFiles } from './compare-files.ts'
import type { RunEvent } from './events.ts'
import { type Latest, latestOf } from './latest.ts'
import { continuesLatest, planResume } from './plan-resume.ts'
import { makeAsideFolder, setAside } from './set-aside.ts'

/** Milliseconds after which the wait for the mirror is announced. */
const noticedWait = 1_000

export interface Preparation {
  readonly store: CheckpointStore
  readonly folder: string
  readonly adopter: Adopter
  readonly claim: FolderClaim
  /** Whether the run may have continued in the mirror without this store. Later starts continue what this run saved. */
  readonly isFirstStart: boolean
  /** Whether the program may have been killed while it wrote. */
  readonly mayBeTorn: boolean
  /** The wall time in milliseconds at which the program was last known to run, if that is known. */
  readonly ranUntil?: number | undefined
  /** Whether an earlier exchange of checkpoints was interrupted. */
  readonly wasInterrupted: boolean
  readonly wallTime: () => number
  readonly announce: (event: RunEvent) => void
  readonly signal: AbortSignal
}

/**
 * Makes the folder ready for a start of the program: rebuilds a damaged catalog, saves what continues the latest checkpoint, sets aside what the program
 * must not find, and restores the latest checkpoint if it is not there. Resolves with the step to continue from.
 */
export async function prepareFolder(preparation: Preparation): Promise<number | undefined> {
  const {
    store,
    folder,
    adopter,
    claim,
    isFirstStart,
    mayBeTorn,
    ranUntil,
    wasInterrupted,
    announce,
    signal,
  } = preparation
  const reading = isFirstStart ? await bringBack(preparation) : undefined
  await rebuildIfDamaged(store, signal)
  const before = await latestOf(store, signal)
  const isContinuation = !wasInterrupted && continuesLatest(before, await adopter.lastAdopted())
  if (isContinuation && mayBeTorn) await adopter.scan('failed', ranUntil)
  const latest = await latestOf(store, signal)
  const plan = planResume(await adopter.inventory(), { latest, isContinuation, mayBeTorn })
  const compared = plan.isInPlace ? undefined : await compareFiles(folder, latest?.files ?? [], signal)
  const isInPlace = compared === undefined || compared.areEqual
  if (!isInPlace) await claim.noteRestoring(true)
  await clear(preparation, [
    ...plan.setAside.map(({ present: { candidate }, because }) => ({ ...candidate, because })),
    ...(compared?.differing ?? []).map((file) => ({
      ...file,
      because: 'it differs from the latest checkpoint',
    })),
  ])
  const { unsavedStep } = plan
  if (isInPlace && latest !== undefined)
    announce({ type: 'inPlace', step: unsavedStep ?? latest.step, isSaved: unsavedStep === undefined })
  else await restoreLatest(preparation, latest, reading)
  const continued = await latestOf(store, signal)
  // The program continues from it, also after a rewind or if another program saved it.
  if (continued !== undefined && continued.digest !== '') await adopter.continueFrom(continued)
  await claim.noteRestoring(false)
  return unsavedStep ?? continued?.step
}

/**
 * Lets the store continue from its mirror if that is ahead. Announces a wait that a user would notice. Returns what it has read of
 * the mirror.
 */
async function bringBack({
  store: { mirror },
  announce,
  signal,
}: Preparation): Promise<MirrorReading | undefined> {
  if (mirror === undefined) return undefined
  const ended = new AbortController()
  const waiting = systemClock.wait(noticedWait, ended.signal).then(() => {
    if (!ended.signal.aborted) announce({ type: 'waitingForMirror', url: mirror.url })
  })
  try {
    return (await mirror.bringBack(signal)).reading
  } finally {
    ended.abort()
    await waiting
  }
}

/**
 * Rebuilds the catalog of the store if it is damaged or lost, so that a start does not wait for a person. The first save would
 * rebuild it in any case. After the rebuild, the latest checkpoint is known.
 */
async function rebuildIfDamaged(store: CheckpointStore, signal: AbortSignal): Promise<void> {
  try {
    await store.list({ signal })
  } catch (error) {
    if (!isHoldfastError(error, 'CORRUPT')) throw error
    await store.repair({ signal })
  }
}

async function restoreLatest(
  preparation: Preparation,
  latest: Latest | undefined,
  mirrorReading: MirrorReading | undefined,
): Promise<void> {
  const { store, folder, adopter, mayBeTorn, announce, signal } = preparation
  const began = performance.now()
  const restored = await store.restore('latest', { to: folder, fallback: true, mirrorReading, signal })
  if (restored === undefined) {
    announce({ type: 'nothingToRestore' })
    return
  }
  announce({ type: 'restored', restored, duration: performance.now() - began })
  if (restored.step !== latest?.step) {
    // The latest one was corrupt. What was saved after the restored one must not be found either.
    const now = await latestOf(store, signal)
    const plan = planResume(await adopter.inventory(), { latest: now, isContinuation: false, mayBeTorn })
    await clear(
      preparation,
      plan.setAside.map(({ present: { candidate }, because }) => ({ ...candidate, because })),
    )
  }
  // Remembers what was restored, so that what the program adds to it is known to continue it.
  await adopter.scan('finished')
}

interface InTheWay {
  readonly name: string
  readonly path: string
  readonly because: string
}

async function clear(
  { folder, adopter, wallTime, announce }: Preparation,
  inTheWay: readonly InTheWay[],
): Promise<void> {
  if (inTheWay.length === 0) return
  const aside = await makeAsideFolder(folder, new Date(wallTime()))
  for (const each of inTheWay) {
    const to = await setAside(each, aside)
    if (to !== undefined) announce({ type: 'setAside', name: each.name, to, because: each.because })
  }
  await adopter.forget(inTheWay.map(({ name }) => name))
}
