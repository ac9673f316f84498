import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CheckpointStore } from '@holdfast/core'
import { HoldfastError } from '@holdfast/core'
import { throwIfAborted } from '@holdfast/core/backend'
import { Adopter } from './adoption/adopter.ts'
import type { PlannedCheckpoint } from './adoption/plan.ts'
import type { TrainersOrder } from './adoption/order.ts'
import { systemClock } from './clock.ts'
import { type AdoptionOptions, adoptionOptions, assertOptions } from './options.ts'

/** The options of `importFolder()`. */
export interface ImportOptions extends AdoptionOptions {
  /** Whether to return what would be adopted, without changes. Default: false. */
  readonly dryRun?: boolean | undefined
  /** The order in which checkpoints are adopted. Default: `step`, because copies of folders lose times. */
  readonly order?: TrainersOrder | undefined
}

/** What `importFolder()` adopted, or with `dryRun` would adopt. */
export interface ImportReport {
  /** The name of the layout. */
  readonly layout: string
  /** The checkpoints that were committed, or with `dryRun` would be, by their paths below the folder, in order. */
  readonly adopted: readonly string[]
  /** With `dryRun`, what would be done with each complete checkpoint, in the order of adoption. */
  readonly planned: readonly PlannedCheckpoint[]
  /** The checkpoints that could not be saved, with the reasons. */
  readonly failed: readonly { readonly name: string; readonly error: HoldfastError }[]
}

/**
 * Adopts the checkpoints that are in a folder already. What was adopted before is not adopted again, so an import that was
 * interrupted continues.
 *
 * Rejects as `watchFolder` does, and with `INVALID_ARGUMENT` if no format is recognised.
 *
 * @example
 * const { adopted } = await importFolder(store, 'old', { layout: { pattern: 'checkpoint_e{step}.pth' } })
 */
export async function importFolder(
  store: CheckpointStore,
  folder: string,
  options: ImportOptions = {},
): Promise<ImportReport> {
  assertOptions(options, [...adoptionOptions, 'dryRun', 'order'], 'importFolder')
  const { order = 'step', dryRun = false, signal, clock = systemClock } = options
  if (!existsSync(folder))
    throw new HoldfastError('INVALID_ARGUMENT', `There is no folder ${folder}. Check its path.`)
  const adopter = new Adopter(store, resolve(folder), { ...options, order, trustsAge: true, failsFast: true })
  if (dryRun) {
    const planned = await adopter.plan()
    if (adopter.layout === undefined) throw nothingRecognised(folder)
    const adopted = planned.filter(({ decision }) => decision.do === 'save').map(({ name }) => name)
    return { layout: adopter.layout, adopted, planned, failed: [] }
  }
  const adopted: string[] = []
  for (;;) {
    throwIfAborted(signal, 'The import')
    const report = await adopter.scan()
    adopted.push(...report.adopted)
    if (report.layout === undefined) throw nothingRecognised(folder)
    if (report.quietIn === undefined)
      return { layout: report.layout, adopted, planned: [], failed: report.failing }
    await clock.wait(report.quietIn, signal ?? new AbortController().signal)
  }
}

function nothingRecognised(folder: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} has no checkpoint of a known format. Name the layout, or give a pattern such as checkpoint_{step}.pth.`,
  )
}
