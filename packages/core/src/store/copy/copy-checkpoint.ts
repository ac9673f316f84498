import type { Committed } from '../../catalog/commit/catalog-log.ts'
import { mayCommit } from '../../catalog/commit/rules/index.ts'
import {
  agreementKey,
  agreementName,
  attemptPrefix,
  type CatalogEntry,
  type Drop,
  type Manifest,
} from '../../catalog/documents/index.ts'
import type { WholeCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { deleteDropped } from '../attempts/delete-dropped.ts'
import { discardAttempt } from '../attempts/discard-attempt.ts'
import { planInline } from '../attempts/inline.ts'
import { entryOf } from '../attempts/write-attempt.ts'
import { reportClockDoubts } from '../context/clock-events.ts'
import { guardSpace } from '../save/space/guard.ts'
import type { FilesToStore } from '../save/space/need.ts'
import { canContinue } from '../agreements/copies.ts'
import type { Turn } from '../../async/in-turn.ts'
import type { Slots } from '../../async/slots.ts'
import { agreeOnAttempt, type CopyAttempt } from './agree-on-attempt.ts'
import { manifestOfCopy, publishManifest } from './copied-manifest.ts'
import { type CopiedFiles, copyFiles, objectsStoredBefore } from './copy-files.ts'
import { copyInline } from './copy-inline.ts'
import { objectsToCopy } from './objects-to-copy.ts'
import type { CopyOptions } from './options.ts'
import type { LineOfCopy } from './plan-copies.ts'
import type { CopyDestination, CopySource } from './sides.ts'
import type { CopyTries } from './tries.ts'

/** A checkpoint to copy: its manifest at the source, and the line that its copy gets. */
export interface CheckpointToCopy {
  readonly manifest: Manifest
  readonly line: LineOfCopy
}

/** What the copies of one call share. */
export interface CopyCall {
  readonly tries: CopyTries
  /** Limits the objects that all copies transfer at once. A copy holds no slot while it waits for its turn. */
  readonly slots: Slots
  /** When this copy may be committed, and whether others were under way when it began. */
  readonly turn: Pick<Turn, 'comes' | 'joins'>
  /** The destination as a dry run assumes it. */
  readonly assumed?: WholeCatalog | undefined
}

/** A copy that is committed. */
export interface CommittedCopy {
  readonly bytesBefore: number
  readonly dropped: Committed['dropped']
}

/** Tries whose attempts die before their commit, such as by a takeover, before the copy fails. */
const mostTries = 3

/**
 * Copies one checkpoint: agrees on an attempt, stores the files and the manifest, commits when its turn comes, and cleans up.
 * What an interrupted copy has stored stays, and the next copy continues there. A copy that can never be committed is deleted.
 */
export async function copyCheckpoint(
  source: CopySource,
  destination: CopyDestination,
  checkpoint: CheckpointToCopy,
  options: CopyOptions,
  call: CopyCall,
): Promise<CommittedCopy> {
  const { access } = destination
  const { line } = checkpoint
  for (let tries = 1; ; tries += 1) {
    const attempt = await agreeOnAttempt(destination, call.tries, line.origin, line.step, options.signal)
    try {
      const copied = await storeAndCommit(source, destination, checkpoint, attempt, options, call)
      access.afterwards(async () => {
        await call.tries.end(attempt.copy, attempt.number)
        await access.tidyNowAndThen()
      })
      return copied
    } catch (error) {
      if (tries < mostTries && (await diedMeanwhile(destination, attempt, error))) continue
      await discardHopeless(destination, attempt, error)
      throw error
    } finally {
      access.attempts.delete(attempt.attempt)
    }
  }
}

async function storeAndCommit(
  source: CopySource,
  destination: CopyDestination,
  checkpoint: CheckpointToCopy,
  attempt: CopyAttempt,
  options: CopyOptions,
  call: CopyCall,
): Promise<CommittedCopy> {
  const { manifest, line } = checkpoint
  const { signal, onExisting = 'fail', allowBest } = options
  const { context, access } = destination
  const { backend, log, events } = context
  const { files, bytesBefore, madeRoom } = await storeFiles(
    source,
    destination,
    checkpoint,
    attempt,
    options,
    call,
  )
  const own = manifestOfCopy(manifest, attempt.attempt, line, files)
  const published = await publishManifest(backend, own, signal)
  if (published === undefined) throw deletedMeanwhile(backend.url, line.step)
  const { pinned, clockJump, metrics } = line
  const entry: CatalogEntry = {
    ...entryOf(published.manifest, published.bytes),
    metrics,
    storedAt: published.storedAt.toISOString(),
    ...(pinned === undefined ? {} : { pinned }),
    ...(clockJump === undefined ? {} : { clockJump }),
  }
  await call.turn.comes()
  const committed = await log.commit({ kind: 'save', entry, onExisting, allowBest }, signal)
  events.emit('copied', { step: line.step, bytes: line.bytes, from: source.context.backend.url })
  access.afterwards(() => deleteDropped(context, committed))
  reportClockDoubts(context, committed.catalog, published.storedAt)
  return { bytesBefore, dropped: [...madeRoom, ...committed.dropped] }
}

/** Stores the files of a copy, for which it makes room. Those of a small checkpoint become part of the manifest. */
async function storeFiles(
  source: CopySource,
  { context, access }: CopyDestination,
  { manifest, line }: CheckpointToCopy,
  attempt: CopyAttempt,
  { signal, onProgress }: CopyOptions,
  { slots }: CopyCall,
): Promise<CopiedFiles & { readonly madeRoom: readonly Drop[] }> {
  const { backend, log, packs } = context
  const from = source.context
  const { step } = line
  const onBytes = (bytes: number): void => {
    onProgress?.({ step, bytes, total: line.bytes })
  }
  const copying = { signal, slots, onBytes }
  const makeRoom = async (files: FilesToStore['files']): Promise<readonly Drop[]> => {
    const toStore = { files, packs: 'never' } as const
    return guardSpace({ context, access, step, toStore, signal }, log.known ?? (await log.newest(signal)))
  }
  const inline = planInline(manifest.files, packs, backend.capabilities)
  if (inline !== undefined) {
    const madeRoom = await makeRoom(inline)
    return { ...(await copyInline(from, manifest.attempt, inline, copying)), madeRoom }
  }
  const objects = objectsToCopy(manifest.files, packs, from.backend.capabilities, backend.capabilities)
  const stored = await objectsStoredBefore(backend, attempt, objects, signal)
  const madeRoom = await makeRoom(objects.filter((object) => !stored.has(object)))
  const toCopy = { objects, stored, from: manifest.attempt, to: attempt.attempt }
  return { ...(await copyFiles(from, context, toCopy, copying)), madeRoom }
}

/** Whether a copy failed because its attempt died, such as by a takeover or a sweep, and the writer may begin another. */
async function diedMeanwhile(
  { context: { log, writer } }: CopyDestination,
  { attempt }: CopyAttempt,
  error: unknown,
): Promise<boolean> {
  if (!isHoldfastError(error, 'FENCED', 'NOT_FOUND', 'UNAVAILABLE')) return false
  try {
    const newest = await log.whole()
    return mayCommit(newest, writer) && !canContinue(newest, attempt)
  } catch (failure) {
    if (isHoldfastError(failure)) return false // the first failure is more useful
    throw failure
  }
}

/**
 * Deletes what a copy has stored if continuing it is useless: the checkpoint is corrupt at the source, the destination
 * refuses it, or its disk is full. A failure to do so is reported by an event. A sweep deletes the rest.
 */
async function discardHopeless(
  { context, access }: CopyDestination,
  { attempt, copy, number }: CopyAttempt,
  failure: unknown,
): Promise<void> {
  if (!isHoldfastError(failure, 'CORRUPT', 'ALREADY_EXISTS', 'INVALID_ARGUMENT', 'INSUFFICIENT_SPACE')) return
  try {
    await access.freeing(undefined, async () => {
      if ((await discardAttempt(context, attempt)) === 'removed')
        await context.backend.sweep({ olderThan: 0, prefix: attemptPrefix(attempt), only: () => true })
    })
    await context.backend.delete([agreementKey(agreementName(copy, number))])
  } catch (reason) {
    const error = reason instanceof Error ? reason : new Error(String(reason))
    context.events.emit('cleanupFailed', { keys: [attempt], error })
  }
}

function deletedMeanwhile(url: string, step: number): HoldfastError {
  return new HoldfastError(
    'FENCED',
    `The copy of step ${step} was deleted by another writer while it was stored. Copy it again.`,
    { url },
  )
}
