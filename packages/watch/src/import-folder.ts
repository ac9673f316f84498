import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CheckpointStore } from '@holdfast/core'
import { HoldfastError } from '@holdfast/core'
import { throwIfAborted } from '@holdfast/core/backend'
import { Adopter } from './adoption/adopter.ts'
import type { Decision } from './adoption/decide.ts'
import type { PlannedCheckpoint } from './adoption/plan.ts'
import type { TrainersOrder } from './adoption/order.ts'
import { systemClock } from './clock.ts'
import { refuseFile } from './folder/refuse-file.ts'
import { type AdoptionOptions, adoptionOptions, assertOptions, chosenLayout } from './options.ts'

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
  /** The checkpoints of the folder that the store listed already, by their paths below the folder. */
  readonly alreadySaved: readonly string[]
  /** With `dryRun`, what would be done with each complete checkpoint, in the order of adoption. */
  readonly planned: readonly PlannedCheckpoint[]
  /** The checkpoints that could not be saved, with the reasons. */
  readonly failed: readonly { readonly name: string; readonly error: HoldfastError }[]
}

/**
 * Adopts the checkpoints that are in a folder already. What was adopted before is not adopted again, so an import that was
 * interrupted continues.
 *
 * Rejects as `watchFolder` does, with `INVALID_ARGUMENT` if no format is recognised, and with `NOT_FOUND` if nothing in the
 * folder matches the layout that the options name.
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
  const { order = 'step', dryRun = false } = options
  if (!existsSync(folder))
    throw new HoldfastError('INVALID_ARGUMENT', `There is no folder ${folder}. Check its path.`)
  await refuseFile(folder)
  const adopter = new Adopter(store, resolve(folder), { ...options, order, trustsAge: true, failsFast: true })
  const report = dryRun ? await planned(adopter, folder) : await imported(adopter, store, folder, options)
  const { adopted, alreadySaved, failed } = report
  const isWithoutResult = adopted.length + alreadySaved.length + failed.length === 0
  if (isWithoutResult && (await adopter.isEmpty())) throw nothingMatches(folder, options.layout)
  return report
}

async function planned(adopter: Adopter, folder: string): Promise<ImportReport> {
  const plans = await adopter.plan()
  const { layout } = adopter
  if (layout === undefined) throw nothingRecognised(folder)
  const namesOf = (chosen: (decision: Decision) => boolean): readonly string[] =>
    plans.filter(({ decision }) => chosen(decision)).map(({ name }) => name)
  return {
    layout,
    adopted: namesOf((decision) => decision.do === 'save'),
    alreadySaved: namesOf((decision) => decision.do === 'remember' && decision.isListed),
    planned: plans,
    failed: [],
  }
}

async function imported(
  adopter: Adopter,
  store: CheckpointStore,
  folder: string,
  { signal, clock = systemClock }: ImportOptions,
): Promise<ImportReport> {
  const adopted: string[] = []
  const known = new Map<string, number>()
  for (;;) {
    throwIfAborted(signal, 'The import')
    const report = await adopter.scan()
    adopted.push(...report.adopted)
    for (const { name, step } of report.known) known.set(name, step)
    if (report.layout === undefined) throw nothingRecognised(folder)
    if (report.quietIn === undefined) {
      for (const name of adopted) known.delete(name)
      const alreadySaved = await listedOf(known, store, signal)
      return { layout: report.layout, adopted, alreadySaved, planned: [], failed: report.failing }
    }
    await clock.wait(report.quietIn, signal ?? new AbortController().signal)
  }
}

/** Returns the names of checkpoints whose steps the store lists. */
async function listedOf(
  known: ReadonlyMap<string, number>,
  store: CheckpointStore,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  if (known.size === 0) return []
  const listed = new Set((await store.list({ signal })).map(({ step }) => step))
  return [...known].filter(([, step]) => listed.has(step)).map(([name]) => name)
}

function nothingMatches(folder: string, layout: AdoptionOptions['layout']): HoldfastError {
  const patterns = chosenLayout(layout)?.patterns ?? []
  return new HoldfastError(
    'NOT_FOUND',
    `Nothing in ${folder} matches ${patterns.join(' or ')}. Check the folder and the pattern.`,
  )
}

function nothingRecognised(folder: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${folder} has no checkpoint of a known format. Name the layout, or give a pattern such as checkpoint_{step}.pth.`,
  )
}
