import {
  type CheckpointStore,
  type CopyOptions,
  type CopyOutcome,
  HoldfastError,
  parseChoice,
} from '@holdfast/core'
import { copyOnce } from '../copying/copy-once.ts'
import { followSource } from '../copying/follow.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, flag, gather, option, text } from '../declare/declaration.ts'
import type { ExitCode } from '../exit-codes.ts'
import { retentionOf, retentionOptions } from '../options/retention.ts'
import { exitCodeForCopies, printOutcome, printReport, sumText } from '../output/copied.ts'
import { joined } from '../output/text.ts'
import { parseSeconds, parseStep } from '../parsing/arguments.ts'
import { type CommandContext, openSource, withStore } from '../with-store.ts'

/** The pause between two looks at the source with `--follow`, in milliseconds. */
const defaultPoll = 5000

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
    if (options.takeOverMirror === true)
      throw usage(
        'copy does not take a mirror over. Pass --take-over-mirror to holdfast run or holdfast save.',
      )
    if (missing && choices.length > 0)
      throw usage('Checkpoints and --missing exclude each other. Pass one of them.')
    if (options.toStep !== undefined && choices.length !== 1)
      throw usage('--to-step gives one checkpoint another step. Name exactly one checkpoint.')
    if (follow && (choices.length > 0 || dryRun))
      throw usage('--follow copies all that is missing. Pass it alone.')
    // The retention of a configuration file and the job of the environment are those of the run, not of copies of it.
    const writer = options.job === undefined ? ({ mode: 'shared', job: undefined } as const) : {}
    const settings = { retention: retentionOf(options).retention, ...writer }
    return withStore(
      { ...options, store: to },
      signal,
      async (context) => {
        await using source = await openSource(from, options, context.printer)
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
        return await copyAndPrint(source, context, request)
      },
      settings,
    )
  },
})

/** Copies once. If it fails on the way, what was copied before stays, so the outcomes are added up as well. */
async function copyAndPrint(
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
    printReport(printer, store.url, report, dryRun)
    return exitCodeForCopies(report)
  } catch (error) {
    if (outcomes.length > 0) printer.line(joined(sumText(outcomes, dryRun), store.url))
    throw error
  }
}

function usage(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
