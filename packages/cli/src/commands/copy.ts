import {
  type CheckpointStore,
  copyCheckpoints,
  type CopyOptions,
  type CopyOutcome,
  type CopyReport,
  formatSize,
  HoldfastError,
  isHoldfastError,
  parseChoice,
  systemEnvironment,
} from '@holdfast/core'
import { isFinal } from '@holdfast/core/backend'
import { parseSeconds, parseStep } from '../parsing/arguments.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, flag, gather, option, text } from '../declare/declaration.ts'
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.ts'
import { withHint } from '../output/hints.ts'
import { type Printer, styled } from '../output/printer.ts'
import { count, formatDuration, joined, stepsText } from '../output/text.ts'
import { retentionOf, retentionOptions } from '../options/retention.ts'
import { type CommandContext, openSource, withStore } from '../with-store.ts'

/** The pause between two looks at the source with `--follow`, in milliseconds. */
const defaultPoll = 5000

/** So that `--poll 0` does not keep a processor busy, in milliseconds. */
const shortestPoll = 50

/** The shortest and the longest pause after failures, in milliseconds. */
const [shortestPause, longestPause] = [1000, 300_000]

export const copy = defineCommand({
  example: 'holdfast copy ./runs/a ./backup/a --keep-last 10',
  whenStopped: 'Run the same command again to continue.',
  arguments: [
    argument('<from>', 'path or URL of the source', text),
    argument('<to>', 'path or URL of the destination; created if missing', text),
    argument(
      '[checkpoint...]',
      'steps, latest, best or best:OBJECTIVE (default: all that are missing)',
      gather,
    ),
  ],
  options: {
    missing: flag('copy all that the destination does not have, in the order of the saves (default)'),
    toStep: option('<n>', 'give the copy of one checkpoint another step', parseStep),
    pins: flag('copy pins, too'),
    metrics: flag('copy the metrics of deleted checkpoints, too'),
    replace: flag('replace a different checkpoint of the same step; refused if it is pinned or the best'),
    allowBest: flag('let --replace replace the best of an objective'),
    follow: flag('continue with each checkpoint that is saved later, until interrupted'),
    poll: option(
      '<seconds>',
      `how often --follow looks at the source (default: ${defaultPoll / 1000})`,
      parseSeconds,
    ),
    dryRun: flag('show what would be copied, and change nothing'),
    ...retentionOptions,
  },
  run: async ({ arguments: [from, to, choices], options, signal }) => {
    const { missing = false, follow = false, dryRun = false, poll = defaultPoll } = options
    if (options.store !== undefined)
      throw usage('copy names both stores: holdfast copy FROM TO. Leave out --store.')
    if (missing && choices.length > 0)
      throw usage('Checkpoints and --missing exclude each other. Pass one of them.')
    if (follow && (choices.length > 0 || dryRun))
      throw usage('--follow copies all that is missing. Pass it alone.')
    // The retention of a configuration file and the job of the environment are those of the run, not of copies of it.
    const writer = options.job === undefined ? ({ mode: 'shared', job: undefined } as const) : {}
    const settings = { retention: retentionOf(options).retention, ...writer }
    return withStore(
      { ...options, store: to },
      signal,
      async (context) => {
        await using source = await openSource(from, options)
        const request: CopyOptions = {
          checkpoints: choices.length === 0 ? undefined : choices.map(parseChoice),
          toStep: options.toStep,
          pins: options.pins,
          metrics: options.metrics,
          onExisting: options.replace === true ? 'replace' : 'fail',
          allowBest: options.allowBest,
          dryRun,
          signal,
        }
        if (follow) return await followSource(source, context, request, poll)
        return await copyAll(source, context, request)
      },
      settings,
    )
  },
})

/** Copies once. If it fails on the way, what was copied before stays, so the outcomes are added up as well. */
async function copyAll(
  source: CheckpointStore,
  context: CommandContext,
  request: CopyOptions,
): Promise<ExitCode> {
  const { printer, store } = context
  const { dryRun = false } = request
  const outcomes: CopyOutcome[] = []
  try {
    const report = await copyOnce(source, context, request, (outcome) => {
      outcomes.push(outcome)
      printOutcome(printer, outcome, dryRun)
    })
    printReport(context, report, dryRun)
    return exitCodeFor(report)
  } catch (error) {
    if (outcomes.length > 0) printer.line(joined(sumOf(outcomes, dryRun).text, store.url))
    throw error
  }
}

async function copyOnce(
  source: CheckpointStore,
  { store, progress }: CommandContext,
  request: CopyOptions,
  print: (outcome: CopyOutcome) => void,
): Promise<CopyReport> {
  const bar = progress('copying')
  try {
    return await copyCheckpoints(source, store, {
      ...request,
      onProgress: ({ bytes, total }) => {
        bar.update(bytes, total)
      },
      onOutcome: print,
    })
  } finally {
    bar.stop()
  }
}

/** The request stays as it is, and so does a damaged catalog, until a person acts. */
function endsCopies(error: HoldfastError): boolean {
  return isFinal(error) || isHoldfastError(error, 'INVALID_ARGUMENT', 'CORRUPT')
}

/** Errors that end `--follow` as long as no copy has succeeded. */
const finalBeforeCopy = ['PERMISSION_DENIED', 'NOT_FOUND'] as const

/**
 * Copies what is missing again and again, and prints what is new. Ends when the signal fires, and with an error after which the
 * copy cannot succeed later.
 */
async function followSource(
  source: CheckpointStore,
  context: CommandContext,
  request: CopyOptions,
  poll: number,
): Promise<ExitCode> {
  const { printer, signal } = context
  const printed = new Set<string>()
  const printNew = (outcome: CopyOutcome): void => {
    const failure = outcome.kind === 'failed' ? `${outcome.step} ${outcome.error.message}` : undefined
    if (failure !== undefined && printed.has(failure)) return
    if (failure !== undefined) printed.add(failure)
    if (outcome.kind === 'copied' || outcome.kind === 'updated' || failure !== undefined)
      printOutcome(printer, outcome, false)
  }
  const again = { ...request, retryCorruptAfter: longestPause }
  let isAwaited = false
  let hasCopied = false
  for (let pause = poll; ; ) {
    try {
      printAbandoned(printer, await copyOnce(source, context, again, printNew), false)
      await context.store.flush()
      hasCopied = true
      pause = poll
    } catch (error) {
      if (!isHoldfastError(error) || endsCopies(error)) throw error
      const isAbsent = error.hint?.kind === 'check-location'
      // After a copy, credentials have expired. Before one, they or the name of the bucket are wrong.
      if (!hasCopied && !isAbsent && isHoldfastError(error, ...finalBeforeCopy)) throw error
      if (!isAbsent) {
        pause = Math.min(longestPause, Math.max(shortestPause, pause * 2))
        printer.note(`${withHint(error)} The copy continues in ${formatDuration(pause)}.`)
      } else {
        pause = poll
        if (!isAwaited)
          printer.note(
            `There is no checkpoint in ${source.url} yet. The copy begins with the first one. Check the path or URL if you expected one.`,
          )
        isAwaited = true
      }
    }
    await systemEnvironment.pause(Math.max(pause, shortestPoll), signal)
  }
}

function printOutcome(printer: Printer, outcome: CopyOutcome, dryRun: boolean): void {
  const { kind, step, toStep, bytes } = outcome
  const named = step === toStep ? `step ${step}` : `step ${step} to step ${toStep}`
  if (kind === 'copied' && dryRun) printer.line(joined(`would copy ${named}`, formatSize(bytes)))
  if (kind === 'copied' && !dryRun) {
    const before =
      outcome.bytesBefore > 0 ? `, ${formatSize(outcome.bytesBefore)} of it were there already` : ''
    printer.line(
      joined(`copied ${named}`, `${formatSize(bytes)} in ${formatDuration(outcome.duration)}${before}`),
    )
    for (const dropped of outcome.dropped)
      printer.line(joined(`dropped step ${dropped.step}`, dropped.because))
  }
  if (kind === 'updated')
    printer.line(joined(`${dryRun ? 'would update' : 'updated'} ${named}`, outcome.what.join(', ')))
  if (kind === 'skipped') printer.line(joined(`skipped ${named}`, outcome.because))
  if (kind === 'failed') printer.line(styled('red', 'failed'), `  ${named} · ${withHint(outcome.error)}`)
  const { kind: _, ...facts } = outcome
  printer.data({ type: kind, ...facts })
}

/** A rewind of the source is the only reason for which a copy takes checkpoints away. */
function printAbandoned(printer: Printer, { abandonedSteps }: CopyReport, dryRun: boolean): void {
  if (abandonedSteps.length === 0) return
  printer.line(
    joined(`${dryRun ? 'would abandon' : 'abandoned'} ${stepsText(abandonedSteps)}`, 'the source went back'),
  )
}

function printReport({ printer, store }: CommandContext, report: CopyReport, dryRun: boolean): void {
  const { outcomes, metricsOfSteps, abandonedSteps } = report
  printAbandoned(printer, report, dryRun)
  const { counts, bytes, text } = sumOf(outcomes, dryRun)
  const ofMetrics =
    metricsOfSteps.length === 0 ? [] : [`metrics of ${count(metricsOfSteps.length, 'deleted checkpoint')}`]
  printer.line(joined([text, ...ofMetrics].join(', '), store.url))
  printer.data({ type: 'result', command: 'copy', dryRun, ...counts, bytes, metricsOfSteps, abandonedSteps })
}

interface CopySum {
  readonly counts: Readonly<Record<'copied' | 'there' | 'updated' | 'skipped' | 'failed', number>>
  readonly bytes: number
  /** The counts as text. */
  readonly text: string
}

function sumOf(outcomes: readonly CopyOutcome[], dryRun: boolean): CopySum {
  const of = (kind: CopyOutcome['kind']): readonly CopyOutcome[] =>
    outcomes.filter((each) => each.kind === kind)
  const counts = {
    copied: of('copied').length,
    there: of('there').length + of('updated').length,
    updated: of('updated').length,
    skipped: of('skipped').length,
    failed: of('failed').length,
  }
  const bytes = of('copied').reduce((sum, each) => sum + each.bytes, 0)
  const parts = [
    dryRun ? `${counts.copied} would be copied (${formatSize(bytes)})` : `${counts.copied} copied`,
    counts.there > 0 && `${counts.there} already there`,
    counts.updated > 0 && `${counts.updated} of them updated`,
    counts.skipped > 0 && `${counts.skipped} skipped`,
    counts.failed > 0 && `${counts.failed} failed`,
  ]
  return { counts, bytes, text: parts.filter((part) => part !== false).join(', ') }
}

/** The code of corrupt checkpoints wins over that of refused ones. */
function exitCodeFor({ outcomes }: CopyReport): ExitCode {
  const codes = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.error.code] : []))
  const [first] = codes
  if (first === undefined) return exitCodes.done
  return exitCodeOf(codes.includes('CORRUPT') ? 'CORRUPT' : first)
}

function usage(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
