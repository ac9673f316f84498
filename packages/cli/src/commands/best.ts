import { HoldfastError, type JudgedCheckpoint, type UnscoredObjective } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { optionalArgument, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatMetric, joined } from '../output/text.ts'
import { explainUnscored } from '../output/unscored.ts'
import { requireStore } from '../selection/require-store.ts'
import { withStore } from '../with-store.ts'
import { ownMember } from '../own-member.ts'

export const best = defineCommand({
  example: 'holdfast best',
  arguments: [optionalArgument('[objective]', 'the name of an objective; default: all', text)],
  options: {},
  run: async ({ arguments: [name], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      await requireStore({ store, signal })
      const checkpoints = [...(await store.list({ signal })), ...(await store.abandoned({ signal }))]
      const unscored = await store.unscored({ signal })
      const wanted = name === undefined ? namesIn(checkpoints) : [name]
      const isUnscored = ({ objective }: UnscoredObjective): boolean =>
        name === undefined || name === objective
      // Reports a misspelt objective, and a store without objectives.
      if (name !== undefined || (wanted.length === 0 && unscored.length === 0))
        await store.best(name, { signal })
      const found = wanted.map((objective) => ({
        objective,
        steps: checkpoints.filter(({ bestOf }) => bestOf.includes(objective)),
      }))
      if (found.every(({ steps }) => steps.length === 0))
        throw nothingScored(name, unscored.filter(isUnscored))
      for (const each of unscored) if (isUnscored(each)) printer.note(explainUnscored(each))
      for (const { objective, steps } of found) {
        for (const checkpoint of steps)
          printer.line(
            joined(
              `best ${objective} is step ${checkpoint.step}`,
              ...values(checkpoint, objective),
              checkpoint.isAbandoned && 'abandoned by a rewind',
            ),
          )
      }
      printer.data({
        type: 'result',
        command: 'best',
        best: found.map(({ objective, steps }) => ({ objective, checkpoints: steps })),
      })
      return exitCodes.done
    }),
})

function nothingScored(name: string | undefined, unscored: readonly UnscoredObjective[]): HoldfastError {
  const reasons = unscored.map(explainUnscored).join(' ')
  const what = name === undefined ? 'best' : `best ${name}`
  return new HoldfastError(
    'NOT_FOUND',
    `There is no ${what} checkpoint. ${reasons === '' ? 'No listed checkpoint has a value.' : reasons}`,
  )
}

function namesIn(checkpoints: readonly JudgedCheckpoint[]): readonly string[] {
  return [...new Set(checkpoints.flatMap(({ bestOf }) => bestOf))]
}

function values({ scores, metrics }: JudgedCheckpoint, objective: string): readonly string[] {
  const score = ownMember(scores, objective)
  return [
    ...(score === undefined ? [] : [formatMetric(score)]),
    ...Object.entries(metrics).map(([metric, value]) => `${metric} ${formatMetric(value)}`),
  ]
}
