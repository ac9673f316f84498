import { filesAtOnce } from '../../async/files-at-once.ts'
import { concurrently } from '../../async/concurrently.ts'
import { SourceReader } from '../../backend/index.ts'
import { type AttemptId, storedMetrics } from '../../catalog/documents/index.ts'
import type { PlannedFile } from '../attempts/content.ts'
import { writeFiles } from '../attempts/write-attempt.ts'
import type { SaveContent } from '../save/prepare-content.ts'
import type { ResumedMember } from './member.ts'
import { ofRank, partsPrefix } from './names.ts'
import { agreeOn, findAgreed, type Part, partSchema } from './proposals.ts'
import { otherBytes, superseded } from './errors.ts'

/** The size in bytes of the pieces in which a source is hashed. */
const chunkBytes = 2 ** 20

/**
 * Writes the files of this rank below an attempt, and then its part. If the part exists, nothing is written: the call is
 * repeated, and its files must have the same bytes. Rejects with `ALREADY_EXISTS` if they differ. Returns `undefined` if the
 * part disappeared.
 */
export async function writeOwnPart(
  member: ResumedMember,
  attempt: AttemptId,
  content: SaveContent,
  files: readonly PlannedFile[],
  partMayExist: boolean,
): Promise<Part | undefined> {
  const { context, own } = member
  const name = ofRank(partsPrefix(own.term, attempt), member.rank)
  const { signal, step } = content
  const found = partMayExist ? await findAgreed(context, name, partSchema, signal) : undefined
  if (found !== undefined) {
    refuseOtherProcess(member, found.proposal)
    refuseOtherPart(member, step, found.proposal, await hashed(files, content))
    return found.proposal
  }
  // Each call has names of its own. So a call that is repeated never changes bytes that a part describes.
  const folder = `.holdfast/${context.environment.newToken()}/`
  const stored = await writeFiles(context, attempt, files, content, { folder })
  await content.beforeCommit?.()
  const agreed = await agreeOn(context, name, partSchema, partOf(member, content, stored), signal)
  if (agreed === undefined) return undefined
  refuseOtherProcess(member, agreed.proposal)
  refuseOtherPart(member, step, agreed.proposal, digestsOf(stored))
  return agreed.proposal
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

function refuseOtherProcess({ process, own, context }: ResumedMember, part: Part): void {
  if (part.process !== process) throw superseded(own.term, context.backend.url)
}

/** Throws if a part has other files than a call. */
function refuseOtherPart(
  { rank, context }: ResumedMember,
  step: number,
  part: Part,
  digests: ReadonlyMap<string, string>,
): void {
  const stored = digestsOf(part.files)
  const isSame =
    stored.size === digests.size && [...stored].every(([name, sha256]) => digests.get(name) === sha256)
  if (!isSame) throw otherBytes(rank, step, context.backend.url)
}

function digestsOf(files: Part['files']): ReadonlyMap<string, string> {
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
