import { formatSize, HoldfastError } from '@holdfast/core'
import { size } from '../parsing/quantities.ts'
import { defineCommand } from '../declare/command.ts'
import { flag, hidden, option, optionalArgument, text } from '../declare/declaration.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { count, joined } from '../output/text.ts'
import { pruneRuns } from '../runs/prune-runs.ts'
import { retentionOptions } from '../options/retention.ts'
import { undoText } from '../output/removals.ts'
import { undoForOption } from '../options/undo.ts'
import { memberOption, ranksOfMember } from '../ranks/options.ts'
import { requireStore } from '../selection/require-store.ts'
import { type CommandContext, withStore } from '../with-store.ts'

export const prune = defineCommand({
  example: 'holdfast prune --keep-last 5 --keep-best val_loss:min --dry-run',
  arguments: [
    optionalArgument('[prefix]', 'prune all runs below this path or URL instead of one store', text),
  ],
  options: {
    dryRun: flag('show what would be deleted, and change nothing'),
    budget: option(
      '<size>',
      'with a prefix: then delete the oldest until all runs together have at most this, such as "500 GB"',
      size,
    ),
    undoFor: undoForOption,
    ...retentionOptions,
    makeRoom: hidden(retentionOptions.makeRoom),
    member: memberOption,
  },
  run: async ({ arguments: [prefix], options, signal }) => {
    if (prefix !== undefined) return pruneRuns(prefix, options, signal)
    if (options.budget !== undefined) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        '--budget is for all runs below a prefix: holdfast prune PREFIX --budget SIZE. For one store, pass --max-bytes.',
      )
    }
    const command = async ({
      store,
      printer,
      hasRetention,
      hasUndeleted,
    }: CommandContext): Promise<ExitCode> => {
      const { dryRun = false, undoFor, forgetObjective } = options
      if (!hasRetention && forgetObjective === undefined) throw noRetention()
      await requireStore({ store, signal })
      const { kept, dropped, freedBytes, undoUntil } = await store.prune({ dryRun, undoFor, signal })
      for (const { step, because } of kept) printer.line(joined(`kept step ${step}`, because.join(', ')))
      for (const { step, because } of dropped)
        printer.line(joined(`${dryRun ? 'would drop' : 'dropped'} step ${step}`, because))
      const bytes = dropped.reduce((sum, drop) => sum + drop.bytes, 0)
      const isKept = undoUntil !== undefined && dropped.length > 0
      const verb = dryRun ? 'would be freed' : isKept ? 'will be freed' : 'freed'
      const shared = bytes - freedBytes
      printer.line(
        joined(
          `${count(dropped.length, 'checkpoint')}, ${formatSize(freedBytes)} ${verb}`,
          shared > 0 && `${formatSize(shared)} may be shared with other checkpoints`,
          store.url,
        ),
      )
      const until = isKept && !dryRun ? undoText(undoUntil) : undefined
      if (until !== undefined) printer.line(until)
      printer.data({ type: 'result', command: 'prune', dryRun, kept, dropped, bytes, freedBytes, undoUntil })
      return hasUndeleted() ? exitCodes.partly : exitCodes.done
    }
    return withStore(options, signal, command, { ranks: ranksOfMember(options) })
  },
})

function noRetention(): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    'No retention is given. Pass one (holdfast prune --keep-last 5 --keep-best val_loss:min), ' +
      'or set "retention" in holdfast.config.json.',
  )
}
