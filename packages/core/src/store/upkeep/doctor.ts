import { type HoldfastError, isHoldfastError, messageOf } from '../../errors.ts'
import type { ErrorHint } from '../../hints.ts'
import { formatSize, judgeSpace } from '../../space/index.ts'
import { describeUnfinished, unfinishedSaves } from '../attempts/unfinished.ts'
import type { StoreContext } from '../context/context.ts'
import { decodeMarker, markerKey, probePrefix } from '../../catalog/documents/index.ts'
import { readIfThere, readSmall } from '../../catalog/documents/read-document.ts'
import { probeEnforcement } from '../marker/probe.ts'

/** The result of one check. */
export interface Diagnosis {
  readonly check:
    | 'read'
    | 'write'
    | 'conditional create'
    | 'delete'
    | 'free space'
    | 'clock'
    | 'marker'
    | 'catalog'
    | 'ranks'
    | 'unfinished saves'
  readonly verdict: 'good' | 'warning' | 'bad'
  /** The observation. Unless the verdict is good, also what to do. */
  readonly finding: string
  readonly hint?: ErrorHint | undefined
}

/** The difference of clocks in milliseconds above which the doctor warns. */
const clockTolerance = 60_000

/**
 * Checks everything that a writer needs by trying it on the store. Removes what it writes. `job` describes the newest start of a
 * job of many ranks, if there is one. If the store cannot be reached, the first check is the only one, since each further check
 * would wait as long for the same finding.
 */
export async function diagnoseStore(
  context: StoreContext,
  job: (signal: AbortSignal | undefined) => Promise<string | undefined>,
  signal?: AbortSignal,
): Promise<readonly Diagnosis[]> {
  const read = await diagnose('read', () => canList(context, signal))
  if (isHoldfastError(read.failure, 'UNAVAILABLE')) return reportedOnce([read])
  return reportedOnce([
    read,
    await diagnose('marker', () => marker(context, signal)),
    await diagnose('catalog', () => catalog(context, signal)),
    ...(await writing(context, signal)),
    await diagnose('conditional create', () => conditionalCreate(context, signal)),
    ...(await ranks(job, signal)),
    await diagnose('unfinished saves', () => unfinished(context, signal)),
    await diagnose('free space', () => freeSpace(context, signal)),
  ])
}

/** A diagnosis, with the error that the check failed with. */
interface Examined extends Diagnosis {
  readonly failure?: HoldfastError | undefined
}

/** Describes a failure once. Later checks that fail alike, such as for lack of credentials, only refer to the first one. */
function reportedOnce(examined: readonly Examined[]): readonly Diagnosis[] {
  return examined.map(({ failure, ...diagnosis }, index) => {
    const first = examined.slice(0, index).find((earlier) => isSameFailure(earlier.failure, failure))
    if (first === undefined) return diagnosis
    const { check, verdict } = diagnosis
    return { check, verdict, finding: `failed for the same reason as the check "${first.check}"` }
  })
}

/** Errors of two requests name different objects, so their causes are compared. */
function isSameFailure(one: HoldfastError | undefined, other: HoldfastError | undefined): boolean {
  if (!(one?.cause instanceof Error && other?.cause instanceof Error)) return false
  return (
    one.code === other.code &&
    one.cause.name === other.cause.name &&
    one.cause.message === other.cause.message
  )
}

type Finding = string | { readonly verdict: 'warning' | 'bad'; readonly finding: string }

async function diagnose(check: Diagnosis['check'], look: () => Promise<Finding>): Promise<Examined> {
  try {
    const found = await look()
    return typeof found === 'string' ? { check, verdict: 'good', finding: found } : { check, ...found }
  } catch (error) {
    if (isHoldfastError(error, 'ABORTED')) throw error
    // A newer version of Holdfast wrote the marker. The doctor would write to a store that it must not change.
    const isDocument = check === 'marker' || check === 'catalog'
    if (isDocument && isHoldfastError(error, 'UNSUPPORTED')) throw error
    if (isHoldfastError(error))
      return { check, verdict: 'bad', finding: error.reason, hint: error.hint, failure: error }
    return { check, verdict: 'bad', finding: messageOf(error) }
  }
}

async function canList({ backend }: StoreContext, signal: AbortSignal | undefined): Promise<Finding> {
  for await (const _ of backend.list('', { limit: 1, signal })) return 'objects can be listed'
  return 'objects can be listed; there are none yet'
}

async function marker({ backend }: StoreContext, signal: AbortSignal | undefined): Promise<Finding> {
  const bytes = await readIfThere(backend, markerKey, signal)
  if (bytes === undefined) return 'there is no store yet; the first save creates it'
  const { format, createdAt } = decodeMarker(bytes)
  return `${format}, made ${createdAt}`
}

async function catalog(context: StoreContext, signal: AbortSignal | undefined): Promise<Finding> {
  const { version, checkpoints, quarantined, owner } = await context.log.whole(signal)
  const aside = quarantined.length === 0 ? '' : `, ${quarantined.length} quarantined`
  const owned = owner === null ? '' : `, owned by ${owner.name} since ${owner.since}`
  const count = checkpoints.length === 1 ? '1 checkpoint' : `${checkpoints.length} checkpoints`
  return `version ${version}: ${count}${aside}${owned}`
}

async function writing(context: StoreContext, signal: AbortSignal | undefined): Promise<readonly Examined[]> {
  const { backend, environment } = context
  const key = `${probePrefix}${environment.newId()}`
  let storedAt: Date | undefined
  const write = await diagnose('write', async () => {
    const bytes = Buffer.from('doctor\n')
    await backend.put(key, bytes, { signal })
    storedAt = (await backend.stat(key, { signal }))?.modifiedAt
    const there = await readSmall(backend, key, signal)
    if (Buffer.compare(bytes, there) !== 0)
      return { verdict: 'bad', finding: 'the bytes that were read differ from those that were written' }
    return 'an object was written and read'
  })
  if (storedAt === undefined) return [write]
  const difference = Math.abs(environment.now().getTime() - storedAt.getTime())
  return [write, await diagnose('delete', () => canDelete(context, key, signal)), clock(difference)]
}

async function canDelete(
  { backend }: StoreContext,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const { failed } = await backend.delete([key], { signal })
  const [failure] = failed
  return failure === undefined
    ? 'objects can be deleted'
    : { verdict: 'bad', finding: messageOf(failure.error) }
}

function clock(difference: number): Diagnosis {
  const seconds = Math.round(difference / 1000)
  if (difference <= clockTolerance) {
    return { check: 'clock', verdict: 'good', finding: `within ${Math.max(1, seconds)} s of the store's` }
  }
  return {
    check: 'clock',
    verdict: 'warning',
    finding: `${seconds} s away from the store's. Ages are wrong, retention by age may keep more, and the store may reject requests. Correct the clock.`,
  }
}

async function conditionalCreate(context: StoreContext, signal: AbortSignal | undefined): Promise<Finding> {
  await probeEnforcement(context.backend, context.environment.newId(), signal)
  return 'enforced: a second creation of one key fails, and the first body is unchanged'
}

const spaceUnknown: Finding = {
  verdict: 'warning',
  finding:
    'the file system does not report its free space. A save that does not fit fails in the middle, so leave enough space.',
}

/** Judges the free space as a save does, for the smallest save. */
async function freeSpace(
  { backend, space }: StoreContext,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const free = await backend.freeSpace({ signal })
  if (free.kind === 'unbounded') return 'the store sets no limit'
  if (free.kind === 'unknown') return spaceUnknown
  const there = `${formatSize(free.available)} of ${formatSize(free.total)} free (${free.kind})`
  const inodes = free.kind === 'measured' ? free.files?.available : undefined
  const verdict = judgeSpace({ bytes: 1, inodes: 1 }, { ...free, inodes }, space)
  if (verdict.kind === 'enough') return there
  if (verdict.kind === 'low')
    return { verdict: 'warning', finding: `${there}. Saves warn of this. Free some space.` }
  const why = verdict.missing.inodes > 0 ? `${there}, but no inodes` : there
  return { verdict: 'bad', finding: `${why}. Saves are refused. Free some space.` }
}

/** Omits the check for a store without such a job. */
async function ranks(
  job: (signal: AbortSignal | undefined) => Promise<string | undefined>,
  signal: AbortSignal | undefined,
): Promise<readonly Examined[]> {
  const none = 'none'
  const diagnosis = await diagnose('ranks', async () => (await job(signal)) ?? none)
  return diagnosis.finding === none ? [] : [diagnosis]
}

async function unfinished(context: StoreContext, signal: AbortSignal | undefined): Promise<Finding> {
  const found = await unfinishedSaves(context, await context.log.whole(signal), new Set(), signal)
  const running = found.running === 0 ? [] : [`${found.running} running on this machine`]
  const sentences = [...running, ...describeUnfinished(found)]
  return sentences.length === 0 ? 'none' : sentences.join('; ')
}
