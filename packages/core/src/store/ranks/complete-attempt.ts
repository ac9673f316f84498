import { concurrently } from '../../async/concurrently.ts'
import {
  type AttemptId,
  type CatalogEntry,
  decodeManifest,
  encodeManifest,
  type Manifest,
  manifestKey,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { readIfThereWithStat } from '../../catalog/documents/read-document.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { entryOf } from '../attempts/write-attempt.ts'
import type { Member } from './member.ts'
import { ofRank, partsPrefix } from './names.ts'
import { type AttemptProposal, findAgreed, partSchema } from './proposals.ts'
import { completionStep } from './rules.ts'
import { type RankPart, unionOf } from './union.ts'

/** Parts are small documents. */
const partsAtOnce = 16

export interface CompleteAttempt {
  readonly entry: CatalogEntry
  readonly manifest: Manifest
}

/**
 * Creates the manifest of an attempt of which all parts exist, and returns the stored manifest. Every rank creates the same
 * manifest. Returns `undefined` if a part or the manifest disappeared: the attempt is dead, or was committed and dropped.
 * Rejects with `INVALID_ARGUMENT` if the parts do not make a checkpoint. `known` is a part that need not be read.
 */
export async function completeAttempt(
  { context, own, size }: Pick<Member, 'context' | 'own' | 'size'>,
  proposal: AttemptProposal,
  signal: AbortSignal | undefined,
  known?: RankPart,
): Promise<CompleteAttempt | undefined> {
  const { attempt } = proposal
  const { backend } = context
  const prefix = partsPrefix(own.term, attempt)
  const ranks = Array.from({ length: size }, (_, rank) => rank)
  const found = await concurrently(ranks, partsAtOnce, signal, async (rank, taskSignal) => {
    if (rank === known?.rank) return known.part
    return (await findAgreed(context, ofRank(prefix, rank), partSchema, taskSignal))?.proposal
  })
  const parts = found.flatMap((part, rank): readonly RankPart[] =>
    part === undefined ? [] : [{ rank, part }],
  )
  const { step } = partsOfAttempt(attempt)
  const completion = completionStep(
    parts.map(({ rank, part: { term, resumed } }) => ({ rank, term, resumed })),
    size,
  )
  if (completion.kind === 'wait') return undefined
  if (completion.kind === 'torn') throw torn(step, completion.one.rank, completion.other.rank, backend.url)
  const union = unionOf(step, proposal, parts)
  if (union.kind === 'refused')
    throw new HoldfastError('INVALID_ARGUMENT', `Step ${step} cannot be saved. ${union.why}`, {
      url: backend.url,
    })
  try {
    await backend.commit(manifestKey(attempt), encodeManifest(union.manifest), { signal })
  } catch (error) {
    if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error
  }
  return standing(context, attempt, signal)
}

/** The document on the store counts, even if another process wrote it. The same request returns when the store stored it. */
async function standing(
  { backend }: Member['context'],
  attempt: AttemptId,
  signal: AbortSignal | undefined,
): Promise<CompleteAttempt | undefined> {
  const found = await readIfThereWithStat(backend, manifestKey(attempt), signal)
  if (found === undefined) return undefined
  const { bytes, stat } = found
  const manifest = decodeManifest(bytes, attempt)
  return { manifest, entry: { ...entryOf(manifest, bytes), storedAt: stat.modifiedAt.toISOString() } }
}

function torn(step: number, one: number, other: number, url: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `Step ${step} cannot be saved: ranks ${one} and ${other} did not continue from the same checkpoint. Let every rank ` +
      'call restore() before its first save, or none.',
    { url },
  )
}
