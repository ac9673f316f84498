import { formatSize } from '@holdfast/core'
import { defineCommand } from '../command.ts'
import { flag } from '../declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { count, joined } from '../output/text.ts'
import { withStore } from '../with-store.ts'

export const sweep = defineCommand({
  example: 'holdfast sweep --dry-run',
  arguments: [],
  options: { dryRun: flag('show what would be deleted, and change nothing') },
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const report = await store.sweep({ dryRun: options.dryRun, signal })
      printer.line(
        joined(
          options.dryRun === true ? 'would remove' : 'removed',
          `${count(report.attempts, 'dead attempt')}, ${formatSize(report.bytes)}`,
          count(report.catalogVersions + report.catalogPages, 'old catalog document'),
          `${report.unfinished} unfinished`,
        ),
      )
      const { saves, bytes, until } = report.unfinishedSaves
      if (saves > 0) {
        printer.line(
          joined(
            count(saves, 'unfinished save'),
            formatSize(bytes),
            `kept${until === undefined ? '' : ` until ${until.toISOString()}`}: ${saves === 1 ? 'its writer' : 'their writers'} may still run. ` +
              'If no writer runs, remove with holdfast sweep --take-over',
          ),
        )
      }
      for (const key of report.foreign) printer.line(`kept, not created by Holdfast: ${key}`)
      for (const { key, error } of report.failed) printer.note(`could not delete ${key}: ${error.message}`)
      printer.data({
        type: 'result',
        command: 'sweep',
        ...report,
        failed: report.failed.map(({ key, error }) => ({ key, message: error.message })),
      })
      return report.failed.length === 0 ? exitCodes.done : exitCodes.partly
    }),
})
