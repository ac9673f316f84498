import {
  type CheckpointStore,
  HoldfastError,
  listRuns,
  locationBelow,
  openStore,
  type OpenStoreOptions,
  type RunSummary,
  type UnreadableRun,
} from '@holdfast/core'
import { expandHome } from '@holdfast/core/backend'
import { exitCodes } from '../exit-codes.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { phraseHint, shellQuoted, withHint } from '../output/hints.ts'
import type { Printer } from '../output/printer.ts'
import { transfersOf } from '../with-store.ts'

/** Lists the runs below a prefix with the options of the command line. `printer` notes a configuration that is not used. */
export async function runsBelow(
  prefix: string,
  options: GlobalOptions,
  printer: Printer | undefined,
  { signal, exact }: { readonly signal: AbortSignal; readonly exact?: boolean | undefined },
): Promise<readonly RunSummary[]> {
  const { config, adapter, objective } = options
  return listRuns(prefix, {
    config: typeof config === 'string' ? expandHome(config) : config,
    adapters: adapter,
    objectives: objective,
    exact,
    signal,
    onIgnoredConfig: ({ file, reason }) => {
      printer?.note(`${file} is not used. ${reason} ${phraseHint({ kind: 'choose-config', file })}`)
    },
  })
}

/** Refuses options that are about one store. `command` is the command that works on all runs below a prefix. */
export function refuseStoreOptions(
  options: GlobalOptions & { readonly member?: string | undefined; readonly makeRoom?: true | undefined },
  command: string,
): void {
  const { mirror = false } = options
  const [refused] = Object.entries({
    '--store': options.store,
    '--take-over': options.takeOver,
    '--forget-objective': options.forgetObjective,
    '--job': options.job,
    '--member': options.member,
    '--mirror': mirror === false ? undefined : mirror,
    '--take-over-mirror': options.takeOverMirror,
    '--make-room': options.makeRoom,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  if (refused === undefined) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${refused} is about one store, and ${command} PREFIX is about all runs below the prefix. Pass the prefix alone: holdfast ${command} PREFIX`,
  )
}

/** Opens one of the runs below a prefix. */
export async function openRun(
  prefix: string,
  run: RunSummary,
  options: GlobalOptions,
  settings: Pick<OpenStoreOptions, 'retention' | 'objectives'> = {},
): Promise<CheckpointStore> {
  const { config, adapter, objective } = options
  return openStore(locationOf(prefix, run), {
    mirrorUse: 'none',
    mode: 'shared',
    config: typeof config === 'string' ? expandHome(config) : config,
    adapters: adapter,
    onIgnoredConfig: () => undefined, // the list of the runs has reported it
    ...transfersOf(options),
    ...settings,
    objectives: { ...objective, ...settings.objectives },
  })
}

/** Returns the location of a run. Parameters of the URL of the prefix apply to it, too. */
export function locationOf(prefix: string, { url, name }: Pick<RunSummary, 'url' | 'name'>): string {
  if (name === '') return prefix
  return url.startsWith('file:') ? url : locationBelow(prefix, name)
}

/** The code for a list of runs, some of which could not be read. */
export function exitCodeFor(listed: readonly RunSummary[]): 0 | 1 | 5 {
  const states = new Set(listed.map(({ state }) => state))
  if (states.has('damaged')) return exitCodes.corrupt
  return states.has('unsupported') ? exitCodes.failed : exitCodes.done
}

/** Returns why a run below a prefix could not be read, and the remedy. */
export function faultOf(prefix: string, run: UnreadableRun): string {
  const { state, error } = run
  if (state === 'unsupported') return withHint(error)
  const repair = `holdfast repair --store ${shellQuoted(locationOf(prefix, run))}`
  if (state === 'no catalog') return `no catalog yet, or it is lost: ${repair}`
  return `damaged: ${repair} · ${error.reason}`
}
