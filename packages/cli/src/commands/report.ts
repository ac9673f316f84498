import { writeFile } from 'node:fs/promises'
import { formatSize } from '@holdfast/core'
import { expandHome, fromPathError } from '@holdfast/core/backend'
import { defineCommand } from '../declare/command.ts'
import { optionWithDefault } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { count, joined } from '../output/text.ts'
import { requireStore } from '../selection/require-store.ts'
import { withStore } from '../with-store.ts'

export const report = defineCommand({
  example: 'holdfast report -o report.html',
  arguments: [],
  options: {
    output: {
      ...optionWithDefault('<file>', 'the HTML file to write, which is replaced if it exists', 'report.html'),
      short: 'o',
    },
  },
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      await requireStore({ store, signal })
      const { collectRun, readBuiltPage, reportOf } = await import('@holdfast/page')
      const page = await collectRun(store, { now: new Date(), signal })
      const html = reportOf(page, await readBuiltPage())
      const file = expandHome(options.output)
      await write(file, html, signal)
      const bytes = Buffer.byteLength(html)
      const checkpoints = page.checkpoints.length
      const steps = page.metrics.steps.length
      printer.line(
        joined(
          `wrote ${file}`,
          count(checkpoints, 'checkpoint'),
          `metrics of ${count(steps, 'step')}`,
          formatSize(bytes),
          store.url,
        ),
      )
      printer.data({ type: 'result', command: 'report', file, bytes, checkpoints, steps, url: store.url })
      return exitCodes.done
    }),
})

async function write(file: string, html: string, signal: AbortSignal): Promise<void> {
  try {
    await writeFile(file, html, { signal })
  } catch (error) {
    throw fromPathError(error, `writing ${file}`)
  }
}
