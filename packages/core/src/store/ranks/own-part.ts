import { filesAtOnce } from '../../async/files-at-once.ts'
import { concurrently } from '../../async/concurrently.ts'
import { SourceReader } from '../../backend/index.ts'
import { type AttemptId, type Manifest, storedMetrics } from '../../catalog/documents/index.ts'
import { HoldfastError } from '../../errors.ts'
import type { PlannedFile } from '../attempts/content.ts'
import { writeFiles } from '../attempts/write-attempt.ts'
import type { SaveContent } from '../save/prepare-content.ts'
import type { ResumedMember } from './member.ts'
import { ofRank, partsPrefix } from './names.ts'
import { agreeOn, findAgreed, type Part, partSchema } from './proposals.ts'
import { superseded } from './errors.ts'

/** The size in bytes of the pieces in which a source is hashed. */
const chunkBytes = 2 ** 20

/** The part of this rank that is on the store. */
export interface OwnPart {
  readonly part: Part
  /**
   * Whether an earlier call may have written a part with other bytes, which was deleted before this call looked. If the attempt
   * is committed, only its manifest tells. See `requireFilesOf`.
   */
  readonly mayBeSecond: boolean
}

/**
 * Writes the files of this rank below an attempt, and then its part. If the part exists, nothing is written: the call is
 * repeated, and its files must have the same bytes. Returns `undefined` if the part disappeared.
 */
export async function writeOwnPart(
  member: ResumedMember,
  attempt: AttemptId,
  content: SaveContent,
  files: readonly PlannedFile[],
  mayExist: boolean,
): Promise<OwnPart | undefined> {
  const { context, own, rank, process } = member
  const name = ofRank(partsPrefix(own.term, attempt), rank)
  const { signal } = content
  if (mayExist) {
    const existing = await findAgreed(context, name, partSchema, signal)
    if (existing !== undefined)
      return { part: await samePart(member, existing.proposal, content, files), mayBeSecond: false }
  }
  // Each call has names of its own. So a call that is repeated never changes bytes that a part describes.
  const folder = `.holdfast/${context.environment.newToken()}/`
  const stored = await writeFiles(context, attempt, files, content, folder)
  await content.beforeCommit?.()
  const proposal = partOf(member, content, stored)
  const agreed = await agreeOn(context, name, partSchema, proposal, signal)
  if (agreed === undefined) return undefined
  if (agreed.proposal.process !== process) throw superseded(own.term, context.backend.url)
  return {
    part: await samePart(member, agreed.proposal, content, undefined, proposal),
    mayBeSecond: mayExist,
  }
}

/**
 * Rejects with `INVALID_ARGUMENT` if the manifest of a committed attempt has other bytes than the part of this rank, and with
 * `OUTCOME_UNKNOWN` if the manifest cannot be read.
 */
export function requireFilesOf(
  { context, rank }: ResumedMember,
  { files }: Part,
  step: number,
  manifest: Manifest | undefined,
): void {
  const { url } = context.backend
  if (manifest === undefined)
    throw new HoldfastError(
      'OUTCOME_UNKNOWN',
      `An earlier call of rank ${rank} has saved step ${step}, and its manifest cannot be read any more. So the step may have ` +
        'been saved with other bytes. Let all ranks join the job again.',
      { url, hint: { kind: 'join-job' } },
    )
  const saved = digestsOf(manifest.files)
  if (files.some(({ name, sha256 }) => saved.get(name) !== sha256))
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `Rank ${rank} has already saved step ${step} with other bytes. Save another step.`,
      { url },
    )
}

function partOf(
  { process, own, resumed }: ResumedMember,
  { epoch, metrics = {}, tags = [], metadata, dataState }: SaveContent,
  files: Part['files'],
): Part {
  return {
    process,
    term: own.term,
    resumed,
    files,
    ...(epoch === undefined ? {} : { epoch }),
    metrics: storedMetrics(metrics),
    tags,
    ...(metadata === undefined ? {} : { metadata }),
    ...(dataState === undefined ? {} : { dataState }),
  }
}

/** Returns an existing part if the request has the same files. Rejects with `INVALID_ARGUMENT` if the bytes differ. */
async function samePart(
  member: ResumedMember,
  existing: Part,
  content: SaveContent,
  files: readonly PlannedFile[] | undefined,
  written?: Part,
): Promise<Part> {
  const { own, rank, process, context } = member
  if (existing.process !== process) throw superseded(own.term, context.backend.url)
  const digests = files === undefined ? digestsOf(written?.files ?? []) : await hashed(files, content)
  const stored = digestsOf(existing.files)
  const isSame =
    stored.size === digests.size && [...stored].every(([name, sha256]) => digests.get(name) === sha256)
  if (isSame) return existing
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `Step ${content.step} is already being saved with other bytes by rank ${rank}. Repeat the save with the same files, or ` +
      'save another step.',
    { url: context.backend.url },
  )
}

function digestsOf(files: Manifest['files']): ReadonlyMap<string, string> {
  return new Map(files.map(({ name, sha256 }) => [name, sha256]))
}

/** Hashes the files, and checks their tensors if the request asks for that. */
async function hashed(
  files: readonly PlannedFile[],
  { finite, signal }: SaveContent,
): Promise<ReadonlyMap<string, string>> {
  const atOnce = filesAtOnce(
    files.map(({ size }) => size),
    4,
  )
  const digests = await concurrently(files, atOnce, signal, async ({ name, source, size }, taskSignal) => {
    const check = finite?.of(name)
    await using reader = await SourceReader.open(source, {
      chunkBytes,
      chunksHeld: 1,
      size,
      observer: check?.observe(),
      signal: taskSignal,
    })
    for await (const _ of reader.chunks());
    const read = reader.result()
    check?.require(read.size)
    return [name, read.sha256] as const
  })
  return new Map(digests)
}
