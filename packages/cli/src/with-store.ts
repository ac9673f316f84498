import {
  type CheckpointStore,
  formatSize,
  HoldfastError,
  openStore,
  type OpenStoreOptions,
  type StoreOptions,
} from '@holdfast/core'
import { expandHome } from '@holdfast/core/backend'
import type { GlobalOptions } from './declare/global-options.ts'
import { joinObjectives, type KeepOptions, retentionOf } from './options/retention.ts'
import type { CommandExitCode } from './exit-codes.ts'
import { count, joined, numbersText } from './output/text.ts'
import { explainUnscored } from './output/unscored.ts'
import { phraseHint } from './output/hints.ts'
import { noteMirror } from './output/mirror.ts'
import { noteRebuilt } from './output/rebuilt.ts'
import { undeletedText } from './output/removals.ts'
import { Printer } from './output/printer.ts'
import { type Progress, startProgress } from './output/progress.ts'
import type { ChosenRanks } from './ranks/options.ts'

/** The values that a command works with. */
export interface CommandContext {
  readonly store: CheckpointStore
  readonly printer: Printer
  readonly signal: AbortSignal
  /** Whether the command line or the configuration defines a retention. */
  readonly hasRetention: boolean
  /** Returns whether files of dropped checkpoints could not be deleted so far. A note reports them at the end. */
  readonly hasUndeleted: () => boolean
  /** Shows a progress bar on a terminal. */
  readonly progress: (what: string) => Progress
}

/** What a command sets itself. */
interface StoreSettings extends Pick<OpenStoreOptions, 'retention' | 'mode' | 'job'> {
  readonly ranks?: ChosenRanks | undefined
  /**
   * Whether the command uses the mirror: it waits until the mirror has what it changed, or copies to it only as long as it runs.
   * Default: it does not use the mirror.
   */
  readonly mirror?: 'wait' | 'no wait' | undefined
}

/** Milliseconds that a command waits for the mirror. The copies of a large run can take hours. */
const mirrorLimit = 7 * 86_400_000

/** Opens the store in shared mode, as a job or as a rank of a job, runs the command, and closes the store also after an error. */
export async function withStore<Code extends CommandExitCode>(
  options: GlobalOptions & Partial<KeepOptions> & { readonly dryRun?: true | undefined },
  signal: AbortSignal,
  command: (context: CommandContext) => Promise<Code>,
  { ranks, mirror, ...settings }: StoreSettings = {},
): Promise<Code> {
  const { json = false, takeOver = false, objective, forgetObjective = [] } = options
  if (options.dryRun === true && forgetObjective.length > 0) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      '--forget-objective changes the store, but --dry-run changes nothing. Pass one of them.',
    )
  }
  const objectives = joinObjectives(objective, options.keepBest)
  const printer = new Printer(json)
  if (ranks?.note !== undefined) printer.note(ranks.note)
  await using store = await openStore(options.store, {
    ...(ranks === undefined ? { ...writerOf(options), takeOver } : { mode: 'exclusive', ranks: ranks.ranks }),
    ...configurationOf(options),
    ...transfersOf(options),
    onIgnoredConfig: ({ file, reason }) => {
      printer.note(`${file} is not used. ${reason} ${phraseHint({ kind: 'choose-config', file })}`)
    },
    ...mirrorOf(options, mirror),
    ...retentionOf(options),
    ...settings,
    ...(objectives === undefined ? {} : { objectives }),
  })
  noteMirror(store, printer)
  noteRebuilt(store, printer)
  let bar: Progress | undefined
  store.on('waitingForRanks', ({ ranks: missing }) => {
    if (json) return
    bar?.stop() // it shows all bytes of this rank, and does not move
    printer.note(`waiting for ${numbersText('rank', missing)}`)
  })
  let cleanupFailed: Error | undefined
  store.on('cleanupFailed', ({ error }) => {
    cleanupFailed = error
  })
  store.on('swept', ({ saves, bytes }) => {
    printer.line(joined(`removed ${count(saves, 'unfinished save')}`, `${formatSize(bytes)} freed`))
    printer.data({ type: 'swept', saves, bytes })
  })
  store.on('unscored', (found) => {
    printer.note(
      `${explainUnscored(found)} Until it has a value, every checkpoint within the limits is kept.`,
    )
  })
  for (const name of forgetObjective) {
    await store.forgetObjective(name, { signal })
    printer.line(`forgot the objective ${name}`)
    printer.data({ type: 'forgotten', objective: name })
  }
  store.on('clockDoubted', ({ reason }) => {
    printer.note(`${reason} Checkpoints that only this clock considers old are kept.`)
  })
  const code = await command({
    store,
    printer,
    signal,
    hasRetention: store.hasRetention,
    hasUndeleted: () => cleanupFailed !== undefined,
    progress: (what) => (bar = startProgress(what, json)),
  })
  await store.flush() // waits for the deletion of dropped checkpoints
  if (cleanupFailed !== undefined) printer.note(undeletedText(cleanupFailed))
  return code
}

/** An empty variable counts as unset. A name on the command line is never ignored. */
function writerOf({ job }: GlobalOptions): Pick<StoreOptions, 'mode' | 'job'> {
  const { HOLDFAST_JOB: ofEnvironment = '' } = process.env
  const name = job ?? (ofEnvironment === '' ? undefined : ofEnvironment)
  return name === undefined ? { mode: 'shared' } : { mode: 'exclusive', job: name }
}

/** How a command uses the mirror that the command line or the configuration names. */
function mirrorOf(
  { mirror: named, takeOverMirror }: GlobalOptions,
  use: StoreSettings['mirror'],
): Pick<OpenStoreOptions, 'mirror' | 'mirrorUse'> {
  if (use === undefined || named === false) return { mirrorUse: 'none' }
  return {
    ...(named === undefined ? {} : { mirror: { store: named } }),
    mirrorUse: {
      flushLimit: use === 'wait' ? mirrorLimit : 0,
      ...(takeOverMirror === true ? { takeOver: true } : {}),
    },
  }
}

/** Opens a second store, to which the command does not write. It only takes it over if it copies to the mirror of that store. */
export async function openSource(
  location: string,
  options: GlobalOptions,
  printer: Printer,
): Promise<CheckpointStore> {
  const { objective, takeOver = false } = options
  const source = await openStore(location, {
    mode: 'shared',
    takeOver,
    mirrorUse: 'none',
    ...configurationOf(options),
    ...transfersOf(options),
    onIgnoredConfig: () => undefined, // reported for the store to which the command writes
    ...(objective === undefined ? {} : { objectives: objective }),
  })
  noteRebuilt(source, printer, location)
  return source
}

/** An option of the configuration applies unless the command line names it, too. */
export function transfersOf({
  limitUpload,
  limitDownload,
  threads,
}: GlobalOptions): Pick<StoreOptions, 'limitUpload' | 'limitDownload' | 'threads'> {
  return {
    ...(limitUpload === undefined ? {} : { limitUpload: limitUpload === false ? undefined : limitUpload }),
    ...(limitDownload === undefined
      ? {}
      : { limitDownload: limitDownload === false ? undefined : limitDownload }),
    ...(threads === undefined ? {} : { threads }),
  }
}

/** The configuration file and the adapters that the command line names. */
export function configurationOf({
  config,
  adapter,
}: GlobalOptions): Pick<OpenStoreOptions, 'config' | 'adapters'> {
  return { config: typeof config === 'string' ? expandHome(config) : config, adapters: adapter }
}
