import type {
  CheckpointStore,
  CheckpointTiming,
  JudgedCheckpoint,
  MeasuredStep,
  MirrorStatus,
} from '@holdfast/core'
import type { PageCheckpoint, PageMirror, PageSeries, RunPage } from './run-page.ts'
import { bytesByReason, bytesPerDay } from './statistics/statistics.ts'

/** Digits that a chart can show. More would only make the page larger. */
const digits = 7

/** Reads everything that the page of a run shows. Changes nothing. */
export async function collectRun(
  store: CheckpointStore,
  options: { readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<RunPage> {
  const { signal, now } = options
  const checkpoints = await store.list({ signal })
  const [quarantined, abandoned, measured, drops, commits, unfinished, mirror, free] = await Promise.all([
    store.quarantined({ signal }),
    store.abandoned({ signal }),
    store.metrics({ signal }),
    store.nextDrops({ signal }),
    store.history({ signal }),
    store.unfinishedJointSaves({ signal }),
    store.mirrorStatus({ signal }),
    store.backend.freeSpace({ signal }),
  ])
  const growth = bytesPerDay(checkpoints)
  return {
    name: nameOf(store.url),
    url: store.url,
    readAt: now.getTime(),
    checkpoints: checkpoints.map(checkpointOf),
    abandoned: abandoned.map(checkpointOf),
    nextDrops: drops.map(({ step, because, bytes }) => ({ step, because, bytes })),
    commits: commits.map(({ at, did, dropped }) => ({
      ...(at === undefined ? {} : { at: at.getTime() }),
      did,
      dropped: dropped.map(({ step }) => step),
    })),
    unfinished: unfinished.map(({ since, ...others }) => ({ ...others, since: since.getTime() })),
    ...(mirror === undefined ? {} : { mirror: mirrorOf(mirror) }),
    quarantined: quarantined.map(({ step, reason, at }) => ({ step, reason, at: at.getTime() })),
    metrics: {
      steps: measured.map(({ step }) => step),
      metrics: seriesOf(measured, ({ metrics }) => metrics),
      objectives: seriesOf(measured, ({ scores }) => scores),
      abandoned: measured.flatMap(({ step, abandoned: isLeft }) => (isLeft ? [step] : [])),
    },
    hasRetention: checkpoints.some(({ keptBecause }) => keptBecause.length > 0),
    reasons: bytesByReason([...checkpoints, ...abandoned]),
    ...(growth === undefined ? {} : { bytesPerDay: growth }),
    ...('available' in free ? { free: { available: free.available, total: free.total } } : {}),
  }
}

function checkpointOf(checkpoint: JudgedCheckpoint): PageCheckpoint {
  const { step, epoch, fileCount, bytes, savedAt, keptBecause, bestOf, tags, pinned, timing } = checkpoint
  return {
    step,
    ...(epoch === undefined ? {} : { epoch }),
    files: fileCount,
    bytes,
    savedAt: savedAt.getTime(),
    ...(timing === undefined ? {} : timesOf(timing)),
    ...(keptBecause.length > 0 ? { kept: keptBecause } : {}),
    ...(bestOf.length > 0 ? { bestOf } : {}),
    ...(tags.length > 0 ? { tags } : {}),
    ...(pinned === undefined ? {} : { pinned: true }),
  }
}

function timesOf({ saving, restore }: CheckpointTiming): Pick<PageCheckpoint, 'saving' | 'restore'> {
  return { saving, ...(restore === undefined ? {} : { restore: { ...restore, at: restore.at.getTime() } }) }
}

function mirrorOf({ url, newest, waiting }: MirrorStatus): PageMirror {
  return {
    url,
    waiting: waiting.length,
    waitingBytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0),
    ...(newest === undefined
      ? {}
      : {
          newest: {
            step: newest.step,
            savedAt: newest.savedAt.getTime(),
            copiedAt: newest.copiedAt.getTime(),
          },
        }),
  }
}

function seriesOf(
  measured: readonly MeasuredStep[],
  valuesOf: (step: MeasuredStep) => Readonly<Record<string, number>>,
): readonly PageSeries[] {
  const names = new Set(measured.flatMap((step) => Object.keys(valuesOf(step))))
  return [...names].sort().map((name) => {
    const values = measured.map((step) => {
      const values = valuesOf(step)
      return Object.hasOwn(values, name) ? values[name] : undefined
    })
    return {
      name,
      values: values.map((value) =>
        value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(digits)),
      ),
      notFinite: values.filter((value) => value !== undefined && !Number.isFinite(value)).length,
    }
  })
}

/** The last part of the path of a URL, as people write it. */
export function nameOf(url: string): string {
  const last = url.replace(/\/+$/, '').split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}
