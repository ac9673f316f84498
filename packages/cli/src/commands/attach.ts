import { HoldfastError } from '@holdfast/core'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { formatMetric, joined } from '../output/text.ts'
import { retentionOf } from '../retention-options.ts'
import { type GlobalOptions, withStore } from '../with-store.ts'

interface AttachOptions extends GlobalOptions {
  readonly metric?: Readonly<Record<string, number>>
}

export async function attach(step: number, options: AttachOptions, signal: AbortSignal): Promise<ExitCode> {
  return withStore(options, signal, async ({ store, printer }) => {
    const { metric = {} } = options
    if (retentionOf(options).retention !== undefined) {
      printer.note(
        'attach applies the retention of the last save, not its own. --keep-best only defines an objective.',
      )
    }
    if (Object.keys(metric).length === 0) {
      throw new HoldfastError('INVALID_ARGUMENT', 'Which metric? holdfast attach 42 --metric val_loss=0.183')
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
  })
}
