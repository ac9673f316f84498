import { stepArgument } from '../options/checkpoint-arguments.ts'
import { parseMetric } from '../parsing/arguments.ts'
import { defineCommand } from '../declare/command.ts'
import { hidden, requiredOption } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatMetric, joined } from '../output/text.ts'
import { retentionOf, retentionOptions } from '../options/retention.ts'
import { withStore } from '../with-store.ts'

export const attach = defineCommand({
  example: 'holdfast attach 42 --metric val_pck=0.914',
  arguments: [stepArgument],
  options: {
    metric: requiredOption('<name=value>', 'a metric, such as val_pck=0.914; may be repeated', parseMetric),
    ...retentionOptions,
    makeRoom: hidden(retentionOptions.makeRoom),
  },
  run: async ({ arguments: [step], options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const { metric } = options
      if (retentionOf(options).retention !== undefined) {
        printer.note(
          'attach applies the retention of the last save and ignores its own. --keep-best only defines an objective.',
        )
      }
      const { checkpoint, dropped } = await store.attach(step, metric, { signal })
      printer.line(
        joined(
          `attached to step ${step}`,
          Object.entries(metric)
            .map(([name, value]) => `${name} ${formatMetric(value)}`)
            .join(', '),
          checkpoint !== undefined && checkpoint.bestOf.length > 0 && `best ${checkpoint.bestOf.join(', ')}`,
        ),
      )
      for (const drop of dropped) printer.line(joined(`dropped step ${drop.step}`, drop.because))
      printer.data({ type: 'result', command: 'attach', step, metrics: metric, checkpoint, dropped })
      return exitCodes.done
    }),
})
