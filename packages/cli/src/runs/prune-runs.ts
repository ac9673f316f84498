import {
  formatSize,
  HoldfastError,
  isHoldfastError,
  type JudgedCheckpoint,
  type RunSummary,
} from '@holdfast/core'
import { exitCodeOf, exitCodes, type ExitCode } from '../exit-codes.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { withHint } from '../output/hints.ts'
import { Printer } from '../output/printer.ts'
import { latestUntil, undoText } from '../output/removals.ts'
import { count, joined } from '../output/text.ts'
import { type KeepOptions, retentionOf } from '../options/retention.ts'
import { exitCodeFor, faultOf, openRun, refuseStoreOptions, runsBelow } from './runs-below.ts'
import { planBudget } from './budget.ts'

type PruneRunsOptions = GlobalOptions &
  KeepOptions & {
    readonly dryRun?: true | undefined
    readonly budget?: number | undefined
    readonly undoFor?: number | undefined
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
  const { retention, objectives } = retentionOf(options)
  if (retention === undefined && budget === undefined) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `What to keep in all runs below ${prefix} is not given. Pass --budget "500 GB", or a retention such as --keep-last 5.`,
    )
  }
  const printer = new Printer(json)
  const runs = await runsBelow(prefix, options, printer, { signal })
  for (const run of runs)
    if (run.state !== 'readable') printer.note(`${nameOf(run)} is skipped: ${faultOf(run)}`)
  const report = new PruneRunsReport(printer, dryRun)
  const settings = { ...(retention === undefined ? {} : { retention }), ...(objectives && { objectives }) }
  const left: { readonly run: RunSummary; readonly checkpoints: readonly JudgedCheckpoint[] }[] = []
  for (const run of runs.filter(({ state }) => state === 'readable')) {
    await report.attempt(run, async () => {
      await using store = await openRun(prefix, run, options, settings)
      const pruned = retention === undefined ? undefined : await store.prune({ dryRun, undoFor, signal })
      const { dropped = [], undoUntil } = pruned ?? {}
      report.dropped(run, dropped, undoUntil)
      const gone = new Set(dryRun ? dropped.map(({ step }) => step) : [])
      const listed = await store.list({ signal })
      left.push({ run, checkpoints: listed.filter(({ step }) => !gone.has(step)) })
      await store.flush()
    })
  }
  const plan = planBudget<RunSummary>(left, budget ?? Infinity)
  for (const run of new Set(plan.drops.map((drop) => drop.run))) {
    const drops = plan.drops.filter((drop) => drop.run === run)
    await report.attempt(run, async () => {
      let until: Date | undefined
      if (!dryRun) {
        await using store = await openRun(prefix, run, options)
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
  }
  const isOver = budget !== undefined && plan.bytes > budget
  if (isOver)
    printer.note(
      `${formatSize(plan.bytes)} would still be kept, which is more than ${formatSize(budget)}. What is left is the latest, the best or pinned.`,
    )
  report.end(runs.length, plan.bytes)
  return report.failure ?? (isOver ? exitCodes.partly : exitCodeFor(runs))
}

/** Prints what is dropped of each run, and adds it up. */
class PruneRunsReport {
  readonly #printer: Printer
  readonly #dryRun: boolean
  #count = 0
  #bytes = 0
  /** The time until which the last of the deletions can be undone. */
  #undoUntil: Date | undefined
  /** The exit code of the first run that failed. */
  failure: ExitCode | undefined

  constructor(printer: Printer, dryRun: boolean) {
    this.#printer = printer
    this.#dryRun = dryRun
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

  /** Continues with the next run after an error of one, such as a running owner. */
  async attempt(run: RunSummary, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isHoldfastError(error) || error.code === 'ABORTED') throw error
      this.failure ??= exitCodeOf(error.code)
      this.#printer.note(`${nameOf(run)} is not pruned: ${withHint(error)}`)
    }
  }

  end(runs: number, left: number): void {
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
      undoUntil: this.#undoUntil,
    })
  }
}

function nameOf({ name }: RunSummary): string {
  return name === '' ? '.' : name
}
