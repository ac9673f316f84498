import { type CheckpointStore, formatSize, HoldfastError, type UnfinishedSaves } from '@holdfast/core'
import { abortedError } from '@holdfast/core/backend'
import { defineCommand } from '../declare/command.ts'
import { flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { count, joined } from '../output/text.ts'
import { findUnfinishedJoint, unfinishedLines, unfinishedSize } from '../output/unfinished.ts'
import { requireStore } from '../selection/require-store.ts'
import { withStore } from '../with-store.ts'

export const sweep = defineCommand({
  example: 'holdfast sweep --dry-run',
  arguments: [],
  options: {
    dryRun: flag('show what would be deleted, and change nothing'),
    now: flag(
      'also delete unfinished saves whose writers may still run, and checkpoints that undo could list again; asks first',
    ),
    yes: flag('with --now: do not ask'),
  },
  run: async ({ options, signal }) => {
    const { dryRun, now, yes } = options
    if (yes === true && now !== true) throw invalid('--yes answers the question of --now. Pass both.')
    if (dryRun === true && now === true)
      throw invalid('--dry-run changes nothing, and --now deletes. Pass one of them.')
    return withStore(options, signal, async ({ store, printer }) => {
      await requireStore({ store, signal })
      if (now === true && yes !== true && !(await isConfirmed(await deletedNow(store, signal), signal))) {
        printer.line('nothing was deleted')
        printer.data({ type: 'result', command: 'sweep', removed: false })
        return exitCodes.failed
      }
      const report = await store.sweep({ dryRun, now, signal })
      printer.line(
        joined(
          `${dryRun === true ? 'would delete' : 'deleted'} ${count(report.attempts, 'unfinished or dropped checkpoint')}, ${formatSize(report.bytes)}`,
          count(report.catalogVersions + report.catalogPages, 'old catalog document'),
          count(report.unfinished, 'temporary file'),
        ),
      )
      const joint = await findUnfinishedJoint(store, printer, signal)
      for (const line of unfinishedLines(report.unfinishedSaves, joint)) printer.line(line)
      for (const key of report.foreign) printer.line(`kept, not created by Holdfast: ${key}`)
      for (const { key, error } of report.failed) printer.note(`could not delete ${key}: ${error.message}`)
      printer.data({ type: 'result', command: 'sweep', ...report })
      return report.failed.length === 0 ? exitCodes.done : exitCodes.partly
    })
  },
})

/** What a sweep deletes only with `--now`. */
interface DeletedNow {
  readonly unfinished: UnfinishedSaves
  /** The number of checkpoints that can be undone until then. */
  readonly removed: number
}

async function deletedNow(store: CheckpointStore, signal: AbortSignal): Promise<DeletedNow> {
  const unfinished = await store.unfinishedSaves({ signal })
  return { unfinished, removed: (await store.removed({ signal })).length }
}

/** Asks whether it may be deleted. There is nothing to ask if there is none. */
async function isConfirmed({ unfinished, removed }: DeletedNow, signal: AbortSignal): Promise<boolean> {
  const { saves, copies } = unfinished
  if (saves === 0 && removed === 0) return true
  const what = [
    ...(saves === 0 ? [] : [`${count(saves, 'unfinished save')} (${unfinishedSize(unfinished)})`]),
    ...(removed === 0 ? [] : [count(removed, 'removed checkpoint')]),
  ]
  const endsUndo = removed === 0 ? '' : `, and ends the undo of ${count(removed, 'removed checkpoint')}`
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw invalid(
      saves === 0
        ? `--now deletes ${what.join('')} for good. Pass --yes to confirm that.`
        : `--now deletes unfinished saves of other writers${endsUndo}. Pass --yes to confirm that no writer runs.`,
    )
  const effects = [
    ...(saves === 0 ? [] : ['A writer that still runs must save again.']),
    ...(copies.saves === 0 ? [] : ['A copy that would continue begins again.']),
    ...(removed === 0 ? [] : ['holdfast undo can then no longer list the removed checkpoints.']),
  ]
  const { createInterface } = await import('node:readline/promises')
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const question = `Delete ${what.join(' and ')}? ${effects.join(' ')} [y/N] `
    return /^y(es)?$/i.test((await asking.question(question, { signal })).trim())
  } catch (error) {
    if (signal.aborted) throw abortedError(signal, 'The question')
    throw error
  } finally {
    asking.close()
  }
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
