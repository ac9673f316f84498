import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { withStore } from '../with-store.ts'

export const repair = defineCommand({
  example: 'holdfast repair',
  arguments: [],
  options: {},
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const report = await store.repair({ signal })
      const { damagedCatalogs, recovered, quarantined, released, markerRewritten, version } = report
      if (markerRewritten) printer.line('wrote holdfast.json anew')
      for (const { version: damaged, reason } of damagedCatalogs)
        printer.line(`passed over version ${damaged} of the catalog: ${reason}`)
      for (const step of recovered)
        printer.line(`found step ${step}, whole and not listed; it is listed again`)
      for (const step of released)
        printer.line(`step ${step} was quarantined and proves good; it is listed again`)
      for (const { step, reason } of quarantined) printer.line(`quarantined step ${step}: ${reason}`)
      printer.line(
        version === undefined
          ? 'nothing else to repair'
          : `the catalog is whole again, as version ${version}`,
      )
      printer.data({ type: 'result', command: 'repair', ...report })
      return exitCodes.done
    }),
})
