import { type RewindReport } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { flag } from '../declare/declaration.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { stepArgument } from '../options/checkpoint-arguments.ts'
import { adviceToPin, joined, stepsText } from '../output/text.ts'
import { chosenRanks, joinTimeoutOption, ranksOptions, unknownPlace } from '../ranks/options.ts'
import { type CommandContext, withStore } from '../with-store.ts'

export const rewind = defineCommand({
  example: 'holdfast rewind 16 --dry-run',
  arguments: [stepArgument],
  options: {
    dryRun: flag('show what would be abandoned, and change nothing'),
    ...ranksOptions,
    joinTimeout: joinTimeoutOption,
  },
  run: async ({ arguments: [step], options, signal }) => {
    const ranks = chosenRanks(options)
    if (ranks !== undefined && ranks.ranks.rank === undefined) throw unknownPlace()
    const command = async ({ store, printer }: CommandContext): Promise<ExitCode> => {
      const { dryRun = false } = options
      const report = await store.rewind(step, { dryRun, signal })
      printer.line(
        joined(
          dryRun ? `latest would be step ${step}` : `latest is now step ${step}`,
          abandonedText(report, dryRun),
          dryRun ? 'nothing was changed' : `holdfast restore latest gives step ${step}`,
        ),
      )
      const { dropped, kept } = fates(report)
      for (const each of kept)
        printer.line(joined(`step ${each.step} stays abandoned`, each.keptBecause.join(', ')))
      if (dropped.length > 0)
        printer.line(
          `The next save drops ${stepsText(dropped)}.${ranks === undefined ? ` ${adviceToPin(dropped)}` : ''}`,
        )
      printer.data({ type: 'result', command: 'rewind', dryRun, ...report })
      return exitCodes.done
    }
    return withStore(options, signal, command, { ranks })
  },
})

function abandonedText({ abandoned }: RewindReport, dryRun: boolean): string {
  if (abandoned.length === 0) return 'no checkpoint was saved after it'
  const steps = stepsText(abandoned.map(({ step }) => step))
  const verb = abandoned.length === 1 ? 'is' : 'are'
  return dryRun ? `${steps} would be abandoned` : `${steps} ${verb} abandoned`
}

function fates({ abandoned }: RewindReport): {
  readonly dropped: readonly number[]
  readonly kept: RewindReport['abandoned']
} {
  const kept = abandoned.filter(({ keptBecause }) => keptBecause.length > 0)
  return { dropped: abandoned.filter((each) => !kept.includes(each)).map(({ step }) => step), kept }
}
