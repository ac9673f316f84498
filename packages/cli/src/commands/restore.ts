import {
  type CheckpointStore,
  HoldfastError,
  isHoldfastError,
  parseChoice,
  type Presence,
  type Restored,
  type RestoreOptions,
} from '@holdfast/core'
import { expandHome } from '@holdfast/core/backend'
import { defineCommand } from '../declare/command.ts'
import { flag, gather, option, requiredOption, text } from '../declare/declaration.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { choiceArgument } from '../options/checkpoint-arguments.ts'
import { noteWait, printSource } from '../output/mirror.ts'
import { nothingThere, whyNothing } from '../output/nothing-there.ts'
import { withBar } from '../output/progress.ts'
import { noteReplaced, printRestored } from '../output/restored.ts'
import { joined } from '../output/text.ts'
import { parseCount } from '../parsing/arguments.ts'
import { chosenRanks, joinTimeoutOption, ranksOptions, unknownPlace } from '../ranks/options.ts'
import { type CommandContext, withStore } from '../with-store.ts'

export const restore = defineCommand({
  example: 'holdfast restore latest --to resume/ --fallback',
  whenStopped: 'Nothing was restored. Run the same command again to continue.',
  arguments: [choiceArgument],
  options: {
    to: requiredOption('<folder>', 'created if missing; files with the same names are replaced', text),
    fallback: flag('quarantine a corrupt checkpoint and restore the next older good one'),
    maxTries: option(
      '<n>',
      'skip a checkpoint that was restored n times without a later save; requires --job or --ranks env',
      parseCount,
    ),
    file: option(
      '<name>',
      'restore only this file, or the files that match a pattern such as "rank3/*"; may be repeated',
      gather,
    ),
    exact: flag('remove all other files from the folder'),
    ifAny: flag('succeed if the store is empty or does not exist, as on a fresh run'),
    ...ranksOptions,
    joinTimeout: joinTimeoutOption,
  },
  run: async ({ arguments: [choice], options, signal }) => {
    const ranks = chosenRanks(options)
    if (ranks !== undefined && ranks.ranks.rank === undefined) throw unknownPlace()
    const command = async ({ store, printer, progress }: CommandContext): Promise<ExitCode> => {
      refuseUncountable(choice, options)
      if (ranks !== undefined && ranks.ranks.memberFile === undefined) printer.note(membershipEnds)
      const began = performance.now()
      printSource(store, printer)
      using wait = noteWait(store, printer)
      store.on('restoringFrom', () => {
        wait[Symbol.dispose]()
      })
      const quarantined = new Set<number>()
      store.on('quarantined', ({ step }) => quarantined.add(step))
      const restored = await withBar(progress('restoring'), (onProgress) =>
        restoreIfThere(store, choice, {
          to: expandHome(options.to),
          fallback: options.fallback,
          files: options.file,
          exact: options.exact,
          maxTries: options.maxTries,
          signal,
          onProgress,
        }),
      )
      if ('presence' in restored) {
        const { presence } = restored
        if (presence === 'filled') throw nothingThere(choice, store.url, presence)
        // All ranks have agreed that there is nothing, and the restore has joined the job.
        if (options.ifAny !== true && ranks === undefined) throw nothingSaved(store.url, presence)
        printer.line(joined(`nothing to restore: ${reasonFor[presence]}`, store.url))
        printer.data({ type: 'result', command: 'restore', restored: [], store: presence })
        return exitCodes.done
      }
      noteReplaced(printer, restored, quarantined, store.url)
      printRestored(printer, restored, { folder: options.to, duration: performance.now() - began })
      printer.data({ type: 'result', command: 'restore', ...restored })
      return exitCodes.done
    }
    return withStore(options, signal, command, { ranks, mirror: 'no wait' })
  },
})

/** A later command cannot save as the rank that this one was. */
const membershipEnds =
  'Without --member, the membership of this rank ends with this command. Pass --member FILE to holdfast restore and save.'

/** Only a restore of the latest checkpoint can step back to the one before. */
function refuseUncountable(
  choice: string,
  { maxTries, fallback }: { readonly maxTries?: number | undefined; readonly fallback?: boolean | undefined },
): void {
  if (maxTries === undefined || (choice === 'latest' && fallback === true)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    '--max-tries steps back to an older checkpoint, so it requires latest and --fallback: ' +
      `holdfast restore latest --to FOLDER --fallback --max-tries ${maxTries}`,
  )
}

/** Restores a checkpoint. Resolves with the presence of the store if there is no such checkpoint. */
async function restoreIfThere(
  store: CheckpointStore,
  choice: string,
  options: RestoreOptions,
): Promise<Restored | { readonly presence: Presence }> {
  const { signal } = options
  try {
    const restored = await store.restore(parseChoice(choice), options)
    return restored ?? { presence: await store.presence({ signal }) }
  } catch (error) {
    // A missing step and an objective that no save has recorded yet are errors of the library.
    const isUnknown = isHoldfastError(error) && error.hint?.kind === 'define-objective'
    if (!isUnknown && !isHoldfastError(error, 'NOT_FOUND')) throw error
    const presence = await store.presence({ signal })
    if (presence === 'filled') throw error
    return { presence }
  }
}

const reasonFor = {
  absent: 'the store does not exist',
  empty: 'the store has no checkpoint',
} as const

/** The error for a store without checkpoints. */
function nothingSaved(url: string, presence: 'absent' | 'empty'): HoldfastError {
  const advice =
    presence === 'absent'
      ? 'Check its path or URL. If this is a fresh run, pass --if-any.'
      : 'If this is a fresh run, pass --if-any.'
  return new HoldfastError('NOT_FOUND', `${whyNothing('latest', url, presence)} ${advice}`)
}
