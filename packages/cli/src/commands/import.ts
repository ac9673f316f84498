import { formatSize } from '@holdfast/core'
import type { PlannedCheckpoint } from '@holdfast/watch'
import { adoptionOf, adoptionOptions } from '../options/adoption.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, flag, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { explain, printAdoption } from '../output/adoption.ts'
import type { Printer } from '../output/printer.ts'
import { count, formatMetric, joined } from '../output/text.ts'
import { retentionOptions } from '../options/retention.ts'
import { withStore } from '../with-store.ts'

export const importCommand = defineCommand({
  example: 'holdfast import old --pattern "checkpoint_e{step}.pth" --dry-run',
  arguments: [argument('<folder>', 'where the checkpoints are', text)],
  options: {
    dryRun: flag('show what would be saved, and change nothing'),
    ...adoptionOptions,
    ...retentionOptions,
  },
  run: async ({ arguments: [folder], options, signal }) =>
    withStore(
      options,
      signal,
      async ({ store, printer }) => {
        const { dryRun = false } = options
        const { importFolder } = await import('@holdfast/watch')
        const { layout, adopted, alreadySaved, planned, failed } = await importFolder(store, folder, {
          ...adoptionOf(options),
          dryRun,
          signal,
          onEvent: (event) => {
            printAdoption(printer, `importing ${folder}`, event)
          },
        })
        for (const each of planned) printPlanned(printer, each)
        const verb = dryRun ? 'would be saved' : 'saved'
        printer.line(
          joined(
            `${count(adopted.length, 'checkpoint')} ${verb}`,
            alreadySaved.length > 0 && `${alreadySaved.length} already saved`,
            store.url,
          ),
        )
        const failures = failed.map(({ name, error }) => ({
          name,
          code: error.code,
          message: explain(error),
        }))
        printer.data({
          type: 'result',
          command: 'import',
          layout,
          dryRun,
          adopted,
          alreadySaved,
          failed: failures,
        })
        return failed.length === 0 ? exitCodes.done : exitCodes.failed
      },
      { mirror: 'wait' },
    ),
})

function printPlanned(printer: Printer, planned: PlannedCheckpoint): void {
  const { name, bytes, metrics, decision } = planned
  printer.line(
    decision.do === 'save'
      ? joined(
          `would ${decision.onExisting === 'replace' ? 'replace' : 'save'} step ${decision.step}`,
          name,
          formatSize(bytes),
          ...Object.entries(metrics).map(([metric, value]) => `${metric} ${formatMetric(value)}`),
        )
      : joined(
          decision.do === 'remember'
            ? `step ${decision.step} ${decision.isListed ? 'is already saved' : 'was saved before, and dropped'}`
            : `left out: ${decision.reason}`,
          name,
        ),
  )
  printer.data({ type: 'planned', ...planned })
}
