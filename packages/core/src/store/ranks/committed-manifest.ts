import {
  type AttemptId,
  decodeManifest,
  type Manifest,
  manifestKey,
  partsOfAttempt,
} from '../../catalog/documents/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError, isHoldfastError } from '../../errors.ts'
import { verifiedManifest } from '../attempts/read-verified.ts'
import { otherBytes } from './errors.ts'
import type { ResumedMember } from './member.ts'
import type { Part } from './proposals.ts'

/**
 * Returns the manifest of a committed attempt, with the files of this rank; `undefined` if it cannot be read now, such as after
 * the checkpoint was dropped. The save is committed all the same, and all that this rank knows of it is its own part.
 *
 * A part is deleted only after its attempt is committed or its term is over. So if the attempt was committed before this call
 * stored its part, an earlier call may have stored another one (`partMayBeSecond`), and only the manifest shows whether it had the
 * same bytes. Then rejects with `OUTCOME_UNKNOWN` if the manifest is gone.
 */
export async function committedManifest(
  member: ResumedMember,
  attempt: AttemptId,
  catalog: PagedCatalog,
  part: Part,
  partMayBeSecond: boolean,
): Promise<Manifest | undefined> {
  const manifest = await manifestOf(member, attempt, catalog).catch((error: unknown) => {
    const isLost = isHoldfastError(error, 'CORRUPT', 'NOT_FOUND')
    if (isLost || (isHoldfastError(error) && !partMayBeSecond)) return undefined
    throw error
  })
  if (manifest !== undefined) refuseOtherBytes(member, part, manifest)
  else if (partMayBeSecond) throw unknownBytes(member, partsOfAttempt(attempt).step)
  return manifest
}

async function manifestOf(
  { context: { backend } }: ResumedMember,
  attempt: AttemptId,
  { checkpoints }: PagedCatalog,
): Promise<Manifest | undefined> {
  const listed = checkpoints.get(partsOfAttempt(attempt).step)
  if (listed?.attempt === attempt) return verifiedManifest(backend, listed, undefined)
  const bytes = await readIfThere(backend, manifestKey(attempt), undefined)
  return bytes && decodeManifest(bytes, attempt)
}

/** Throws if a manifest lacks a file of this rank, or has it with other bytes. */
export function refuseOtherBytes(
  { rank, context }: ResumedMember,
  { files }: Part,
  { step, files: saved }: Manifest,
): void {
  const digests = new Map(saved.map(({ name, sha256 }) => [name, sha256]))
  if (files.every(({ name, sha256 }) => digests.get(name) === sha256)) return
  throw otherBytes(rank, step, context.backend.url)
}

function unknownBytes({ context, rank }: ResumedMember, step: number): HoldfastError {
  return new HoldfastError(
    'OUTCOME_UNKNOWN',
    `An earlier call of rank ${rank} has saved step ${step}, and its manifest is gone. So the step may have been saved with ` +
      'other bytes. Let all ranks join the job again.',
    { url: context.backend.url, hint: { kind: 'join-job' } },
  )
}
