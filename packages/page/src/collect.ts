import type { CheckpointStore, JudgedCheckpoint, MeasuredStep } from '@holdfast/core'
import type { PageCheckpoint, PageSeries, RunPage } from './run-page.ts'

/** Digits that a chart can show. More would only make the page larger. */
const digits = 7

/** Reads everything that the page of a run shows. Changes nothing. */
export async function collectRun(
  store: CheckpointStore,
  options: { readonly now: Date; readonly signal?: AbortSignal | undefined },
): Promise<RunPage> {
  const { signal, now } = options
  const checkpoints = await store.list({ signal })
  const [quarantined, measured, free] = await Promise.all([
    store.quarantined({ signal }),
    store.metrics({ signal }),
    store.backend.freeSpace({ signal }),
  ])
  return {
    name: nameOf(store.url),
    url: store.url,
    readAt: now.getTime(),
    checkpoints: checkpoints.map(checkpointOf),
    quarantined: quarantined.map(({ step, reason, at }) => ({ step, reason, at: at.getTime() })),
    metrics: {
      steps: measured.map(({ step }) => step),
      metrics: seriesOf(measured, ({ metrics }) => metrics),
      objectives: seriesOf(measured, ({ scores }) => scores),
    },
    hasRetention: checkpoints.some(({ keptBecause }) => keptBecause.length > 0),
    ...(free.kind === 'unbounded' ? {} : { free: { available: free.available, total: free.total } }),
  }
}

function checkpointOf(checkpoint: JudgedCheckpoint): PageCheckpoint {
  const { step, epoch, fileCount, bytes, savedAt, keptBecause, bestOf, tags, pinned } = checkpoint
  return {
    step,
    ...(epoch === undefined ? {} : { epoch }),
    files: fileCount,
    bytes,
    savedAt: savedAt.getTime(),
    ...(keptBecause.length > 0 ? { kept: keptBecause } : {}),
    ...(bestOf.length > 0 ? { bestOf } : {}),
    ...(tags.length > 0 ? { tags } : {}),
    ...(pinned === undefined ? {} : { pinned: true }),
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
function nameOf(url: string): string {
  const last = url.replace(/\/+$/, '').split('/').at(-1) ?? ''
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}
