import { isHoldfastError } from '@holdfast/core'
import { withHint } from './hints.ts'
import { joined } from './text.ts'

/** Returns the note about files of dropped checkpoints that a later sweep must delete. */
export function undeletedText(error: Error, sweep = 'holdfast sweep'): string {
  const why = isHoldfastError(error) ? withHint(error) : error.message
  return `Some files of dropped checkpoints could not be deleted: ${why} Run ${sweep} later.`
}

/** Returns a text about how long a deletion can be undone; `undefined` if it cannot. */
export function undoText(until: Date | undefined): string | undefined {
  return until && joined(`the files stay until ${until.toISOString()}`, 'holdfast undo lists them again')
}

/** Returns the latest of the times until which deletions can be undone; `undefined` if none can. */
export function latestUntil(times: readonly (Date | undefined)[]): Date | undefined {
  return times.reduce((latest, time) => {
    if (latest === undefined || time === undefined) return latest ?? time
    return time > latest ? time : latest
  }, undefined)
}
