import { defineCommand } from '../declare/command.ts'
import { exitCodes } from '../exit-codes.ts'
import type { RepairReport } from '@holdfast/core'
import { requireStore } from '../selection/require-store.ts'
import { withStore } from '../with-store.ts'

export const repair = defineCommand({
  example: 'holdfast repair',
  arguments: [],
  options: {},
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const report = await store.repair({ signal })
      if (report.version === undefined) await requireStore({ store, signal })
      const { damagedCatalogs, recovered, abandoned, quarantined, released, markerRewritten, version } =
        report
      if (markerRewritten) printer.line('rewrote holdfast.json')
      for (const { version: damaged, reason } of damagedCatalogs)
        printer.line(`skipped damaged version ${damaged} of the catalog: ${reason}`)
      for (const step of recovered)
        printer.line(`step ${step} is complete but was not listed; it is listed again`)
      for (const step of abandoned)
        printer.line(`step ${step} is complete, and a rewind had abandoned it; it is abandoned again`)
      for (const step of released)
        printer.line(`step ${step} was quarantined but verifies; it is listed again`)
      for (const { step, reason } of quarantined) printer.line(`quarantined step ${step}: ${reason}`)
      printer.line(version === undefined ? nothingMore(report) : `rebuilt the catalog as version ${version}`)
      printer.data({ type: 'result', command: 'repair', ...report })
      return exitCodes.done
    }),
})

function nothingMore({
  damagedCatalogs,
  recovered,
  abandoned,
  quarantined,
  released,
  markerRewritten,
}: RepairReport): string {
  const found = [damagedCatalogs, recovered, abandoned, quarantined, released]
  return markerRewritten || found.some(({ length }) => length > 0)
    ? 'nothing else to repair'
    : 'nothing to repair'
}
