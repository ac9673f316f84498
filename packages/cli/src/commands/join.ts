import { defineCommand } from '../declare/command.ts'
import { flag, requiredOption, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { joined } from '../output/text.ts'
import { chosenRanks, joinTimeoutOption, ranksOptions, unknownPlace } from '../ranks/options.ts'
import { withStore } from '../with-store.ts'

export const join = defineCommand({
  example: 'holdfast join --rank 0 --world-size 1 --member .holdfast-member',
  arguments: [],
  options: {
    ...ranksOptions,
    member: requiredOption('<file>', 'where to write the membership of this rank', text),
    fallback: flag('continue from the next older checkpoint if a rank finds the latest corrupt'),
    joinTimeout: joinTimeoutOption,
  },
  run: async ({ options, signal }) => {
    const chosen = chosenRanks(options)
    const { rank, size } = chosen?.ranks ?? {}
    if (chosen === undefined || rank === undefined) throw unknownPlace()
    return withStore(
      options,
      signal,
      async ({ store, printer }) => {
        const { step } = await store.join({ fallback: options.fallback, signal })
        printer.line(
          joined(
            `joined as rank ${rank} of ${size}`,
            step === undefined ? 'the job starts from the beginning' : `the job continues from step ${step}`,
          ),
        )
        printer.data({ type: 'result', command: 'join', rank, size, step })
        return exitCodes.done
      },
      { ranks: chosen },
    )
  },
})
