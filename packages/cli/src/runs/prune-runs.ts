import {
  type CheckpointStore,
  formatSize,
  HoldfastError,
  isHoldfastError,
  type JudgedCheckpoint,
  type RunSummary,
  type UnreadableRun,
} from '@holdfast/core'
import { exitCodeOf, exitCodes, type ExitCode } from '../exit-codes.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { shellQuoted, withHint } from '../output/hints.ts'
import { Printer } from '../output/printer.ts'
import { noteRebuilt } from '../output/rebuilt.ts'
import { latestUntil, undeletedText, undoText } from '../output/removals.ts'
import { count, joined } from '../output/text.ts'
import { joinObjectives, type KeepOptions, retentionOf } from '../options/retention.ts'
import { exitCodeFor, faultOf, locationOf, openRun, refuseStoreOptions, runsBelow } from './runs-below.ts'
import { planBudget } from './budget.ts'

type PruneRunsOptions = GlobalOptions &
  KeepOptions & {
    readonly dryRun?: true | undefined
    readonly budget?: number | undefined
    readonly undoFor?: number | undefined
    readonly member?: string | undefined
  }

interface Drop {
  readonly step: number
  readonly because: string
  readonly bytes: number
}

/**
 * Prunes all runs below a prefix, one after the other: by a retention, by a budget for all of them, or by both. A run that
 * fails is reported, and the others are pruned.
 */
export async function pruneRuns(
  prefix: string,
  options: PruneRunsOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  refuseStoreOptions(options, 'prune')
  const { dryRun = false, budget, undoFor, json = false } = options
  const { retention } = retentionOf(options)
  const objectives = joinObjectives(options.objective, options.keepBest)
  if (retention === undefined && budget === undefined) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `What to keep in all runs below ${prefix} is not given. Pass --budget "500 GB", or a retention such as --keep-last 5.`,
    )
  }
  const printer = new Printer(json)
  const runs = await runsBelow(prefix, options, printer, { signal })
  const report = new PruneRunsReport(printer, prefix, dryRun)
  for (const run of runs) if (run.state !== 'readable') report.skip(run)
  const settings = { ...(retention === undefined ? {} : { retention }), ...(objectives && { objectives }) }
  const left: { readonly run: RunSummary; readonly checkpoints: readonly JudgedCheckpoint[] }[] = []
  for (const run of runs.filter(({ state }) => state === 'readable')) {
    await report.attempt(run, async () => {
      await using store = await openRun(prefix, run, options, settings)
      report.follow(run, store)
      const pruned = retention === undefined ? undefined : await store.prune({ dryRun, undoFor, signal })
      const { dropped = [], undoUntil } = pruned ?? {}
      report.dropped(run, dropped, undoUntil)
      const gone = new Set(dryRun ? dropped.map(({ step }) => step) : [])
      const listed = await store.list({ signal })
      left.push({ run, checkpoints: listed.filter(({ step }) => !gone.has(step)) })
      await store.flush()
    })
  }
  const counted = new Set(left.map(({ run }) => run))
  const uncounted = runs.filter((run) => !counted.has(run)).map(nameOf)
  const plan = planBudget<RunSummary>(left, budget ?? Infinity)
  let leftBytes = plan.bytes
  for (const run of new Set(plan.drops.map((drop) => drop.run))) {
    const drops = plan.drops.filter((drop) => drop.run === run)
    const isDropped = await report.attempt(run, async () => {
      let until: Date | undefined
      if (!dryRun) {
        await using store = await openRun(prefix, run, options)
        report.follow(run, store)
        const deleted = await store.delete(
          drops.map(({ step }) => step),
          { undoFor, signal },
        )
        until = latestUntil(deleted.map(({ undoUntil }) => undoUntil))
        await store.flush()
      }
      const because = `over ${formatSize(budget ?? 0)} in all runs`
      report.dropped(
        run,
        drops.map(({ step, bytes }) => ({ step, bytes, because })),
        until,
      )
    })
    if (!isDropped) leftBytes += drops.reduce((sum, drop) => sum + drop.bytes, 0)
  }
  const isOver = budget !== undefined && leftBytes > budget
  if (isOver) {
    const why = leftBytes > plan.bytes ? '' : ' What is left is the latest, the best or pinned.'
    printer.note(
      `${formatSize(leftBytes)} ${dryRun ? 'would still be' : 'are still'} kept, which is more than ${formatSize(budget)}.${why}`,
    )
  }
  report.end(runs.length, leftBytes, uncounted)
  return report.failure ?? (isOver || report.hasUndeleted ? exitCodes.partly : exitCodeFor(runs))
}

/** Prints what is dropped of each run, and adds it up. */
class PruneRunsReport {
  readonly #printer: Printer
  readonly #prefix: string
  readonly #dryRun: boolean
  #count = 0
  #bytes = 0
  /** The time until which the last of the deletions can be undone. */
  #undoUntil: Date | undefined
  /** The exit code of the first run that failed. */
  failure: ExitCode | undefined
  /** Whether files of a dropped checkpoint could not be deleted. */
  hasUndeleted = false

  constructor(printer: Printer, prefix: string, dryRun: boolean) {
    this.#printer = printer
    this.#prefix = prefix
    this.#dryRun = dryRun
  }

  /** Reports a run whose catalog could not be read. */
  skip(run: UnreadableRun): void {
    this.#printer.note(`${nameOf(run)} is skipped: ${faultOf(this.#prefix, run)}`)
  }

  /** Reports files of the run that cannot be deleted, and a rebuild of its catalog. */
  follow(run: RunSummary, store: CheckpointStore): void {
    noteRebuilt(store, this.#printer, nameOf(run))
    store.on('cleanupFailed', ({ error }) => {
      this.hasUndeleted = true
      const sweep = `holdfast sweep --store ${shellQuoted(locationOf(this.#prefix, run))}`
      this.#printer.note(`${nameOf(run)}: ${undeletedText(error, sweep)}`)
    })
  }

  dropped(run: RunSummary, drops: readonly Drop[], undoUntil: Date | undefined): void {
    if (drops.length > 0) this.#undoUntil = latestUntil([this.#undoUntil, undoUntil])
    for (const { step, because, bytes } of drops) {
      const verb = this.#dryRun ? 'would drop' : 'dropped'
      this.#printer.line(joined(nameOf(run), `${verb} step ${step}`, formatSize(bytes), because))
      this.#printer.data({ type: 'dropped', name: run.name, url: run.url, step, because, bytes })
      this.#count += 1
      this.#bytes += bytes
    }
  }

  /** Returns whether the work succeeded. After an error of one run, such as a running owner, the next run follows. */
  async attempt(run: RunSummary, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!isHoldfastError(error) || error.code === 'ABORTED') throw error
      this.failure ??= exitCodeOf(error.code)
      this.#printer.note(`${nameOf(run)} is not pruned: ${this.#remedied(error, run)}`)
      return false
    }
  }

  /** The options by which a writer may write to a store are those of the command for that store. */
  #remedied(error: HoldfastError, run: RunSummary): string {
    const { hint, reason } = error
    if (hint?.kind !== 'take-over') return withHint(error)
    const alone = `holdfast prune --store ${shellQuoted(locationOf(this.#prefix, run))}`
    return hint.job === undefined
      ? `${reason} If that writer has ended or must stop, prune it alone: ${alone} --take-over`
      : `${reason} Prune it alone: ${alone} --job ${shellQuoted(hint.job)}`
  }

  /** `uncounted` are the names of the runs whose size is not known, and so not part of `left`. */
  end(runs: number, left: number, uncounted: readonly string[]): void {
    if (uncounted.length > 0)
      this.#printer.note(
        `${uncounted.length === 1 ? '1 run is' : `${uncounted.length} runs are`} not counted: ${uncounted.join(', ')}`,
      )
    const isKept = this.#undoUntil !== undefined
    const verb = this.#dryRun ? 'would be freed' : isKept ? 'will be freed' : 'freed'
    this.#printer.line(
      joined(
        count(runs, 'run'),
        `${count(this.#count, 'checkpoint')}, ${formatSize(this.#bytes)} ${verb}`,
        `${formatSize(left)} left`,
      ),
    )
    const until = this.#dryRun ? undefined : undoText(this.#undoUntil)
    if (until !== undefined) this.#printer.line(`${until}, with --store RUN`)
    this.#printer.data({
      type: 'result',
      command: 'prune',
      dryRun: this.#dryRun,
      runs,
      dropped: this.#count,
      bytes: this.#bytes,
      left,
      uncounted,
      undoUntil: this.#undoUntil,
    })
  }
}

function nameOf({ name }: RunSummary): string {
  return name === '' ? '.' : name
}
