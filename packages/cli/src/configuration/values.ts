import { hostname } from 'node:os'
import type { ExplainedConfig, HoldfastConfig, MirrorOptions } from '@holdfast/core'
import { defaultThreads } from '@holdfast/core/backend'
import type { GlobalOptions } from '../declare/global-options.ts'

/** Where a value comes from. */
export type Origin =
  | { readonly kind: 'option' | 'file' | 'default' }
  | { readonly kind: 'environment'; readonly variable: string }

/** A setting with the value that applies. */
export interface ConfigValue {
  /** Such as `retention.keepLast`. */
  readonly name: string
  /** `undefined` if nothing is set and there is no default. */
  readonly value: unknown
  readonly from: Origin
}

/** What each place sets. */
export interface ConfigSources {
  readonly store: ExplainedConfig['store']
  readonly file: HoldfastConfig
  readonly option: Omit<HoldfastConfig, 'limitUpload' | 'limitDownload'> &
    Partial<Pick<GlobalOptions, 'job' | 'limitUpload' | 'limitDownload'>>
  /** The option `--mirror`, or `false` for `--no-mirror`. */
  readonly mirror: string | false | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The defaults of the command line. docs/configuration.md lists them. */
export const defaults: Readonly<Record<string, unknown>> = {
  'space.warnBelow': '5%',
  'space.refuseBelow': 0,
  'space.makeRoom': false,
  'background.limit': 1,
  'background.atLimit': 'wait',
  packs: 'auto',
  unchanged: 'auto',
  threads: defaultThreads(),
  gracePeriod: '1 d',
  writerName: `${hostname()}, process ID`,
}

const ofOption: Origin = { kind: 'option' }
const ofFile: Origin = { kind: 'file' }
const ofDefault: Origin = { kind: 'default' }

/**
 * Returns the settings that apply, in the order of docs/configuration.md. A retention of the command line replaces that
 * of the file completely, and objectives are added to those of the file. Values of `backend` and `mirror.backend` are not shown,
 * because they can be secret.
 */
export function valuesInForce({
  store,
  file,
  option,
  mirror,
  environment,
}: ConfigSources): readonly ConfigValue[] {
  const { HOLDFAST_JOB: jobOfEnvironment = '' } = environment
  const isInJob = option.job !== undefined || jobOfEnvironment !== ''
  const retention = option.retention === undefined ? flat('retention', file.retention, ofFile) : []
  const objectives = {
    ...flatMap('objectives', file.objectives, ofFile),
    ...flatMap('objectives', option.objectives, ofOption),
  }
  const space = { ...flatMap('space', file.space, ofFile), ...flatMap('space', option.space, ofOption) }
  return [
    storeValue(store),
    jobValue(option.job, jobOfEnvironment),
    // The command line does not use the mode of the file.
    { name: 'mode', value: isInJob ? 'exclusive' : 'shared', from: ofDefault },
    ...orNone('objectives', Object.values(objectives)),
    ...orNone('retention', [...retention, ...flat('retention', option.retention, ofOption)]),
    ...withDefaults('space', Object.values(space)),
    ...withDefaults('background', flat('background', file.background, ofFile)),
    ...orNone('mirror', mirrorValues(mirror, file.mirror)),
    single('limitUpload', file.limitUpload, option.limitUpload),
    single('limitDownload', file.limitDownload, option.limitDownload),
    single('threads', file.threads, option.threads),
    single('packs', file.packs),
    single('unchanged', file.unchanged),
    single('gracePeriod', file.gracePeriod),
    single('writerName', file.writerName),
    ...adaptersOf(option, ofOption),
    ...adaptersOf(file, ofFile),
    ...hidden('backend', file.backend, ofFile),
  ]
}

function storeValue(store: ConfigSources['store']): ConfigValue {
  if (store === undefined) return { name: 'store', value: undefined, from: ofDefault }
  const { url: value, from } = store
  if (from === 'environment')
    return { name: 'store', value, from: { kind: from, variable: 'HOLDFAST_STORE' } }
  return { name: 'store', value, from: from === 'argument' ? ofOption : ofFile }
}

function jobValue(option: string | undefined, environment: string): ConfigValue {
  if (option !== undefined) return { name: 'job', value: option, from: ofOption }
  if (environment === '') return { name: 'job', value: undefined, from: ofDefault }
  return { name: 'job', value: environment, from: { kind: 'environment', variable: 'HOLDFAST_JOB' } }
}

/** A mirror of the command line replaces that of the file completely. */
function mirrorValues(
  option: string | false | undefined,
  ofTheFile: HoldfastConfig['mirror'],
): readonly ConfigValue[] {
  if (option === false) return [{ name: 'mirror', value: undefined, from: ofOption }]
  const mirror: Partial<MirrorOptions> = option === undefined ? (ofTheFile ?? {}) : { store: option }
  const { backend, ...others } = mirror
  const from = option === undefined ? ofFile : ofOption
  const values = flat('mirror', others, from).map((each) =>
    typeof each.value === 'string' ? { ...each, value: withoutCredentials(each.value) } : each,
  )
  return [...values, ...hidden('mirror.backend', backend, from)]
}

/** A URL may contain credentials before its host, and in its parameters. */
function withoutCredentials(location: string): string {
  if (!/^[a-z][a-z0-9+.-]+:/i.test(location)) return location
  return location.replace(/^([^:]+:\/*)[^]*@/, '$1').replace(/\?[^]*$/, '')
}

/** The option is `false` if it is negated, which sets the value to none. */
function single(name: string, ofTheFile: unknown, ofOptions?: unknown): ConfigValue {
  if (ofOptions === false) return { name, value: undefined, from: ofOption }
  if (ofOptions !== undefined) return { name, value: ofOptions, from: ofOption }
  if (ofTheFile !== undefined) return { name, value: ofTheFile, from: ofFile }
  return { name, value: defaults[name], from: ofDefault }
}

function flat(name: string, values: object | undefined, from: Origin): readonly ConfigValue[] {
  return Object.entries(values ?? {}).flatMap(([member, value]: [string, unknown]) =>
    value === undefined ? [] : [{ name: `${name}.${member}`, value, from }],
  )
}

/** Options of adapters, which may be secret. */
function hidden(name: string, values: object | undefined, from: Origin): readonly ConfigValue[] {
  return flat(name, values, from).map((each) => ({ ...each, value: 'set, not shown' }))
}

function flatMap(
  name: string,
  values: object | undefined,
  from: Origin,
): Readonly<Record<string, ConfigValue>> {
  return Object.fromEntries(flat(name, values, from).map((each) => [each.name, each]))
}

function orNone(name: string, values: readonly ConfigValue[]): readonly ConfigValue[] {
  return values.length > 0 ? values : [{ name, value: undefined, from: ofDefault }]
}

/** Adds the defaults of the members that are not set. */
function withDefaults(name: string, values: readonly ConfigValue[]): readonly ConfigValue[] {
  const set = new Map(values.map((each) => [each.name, each]))
  return Object.keys(defaults)
    .filter((each) => each.startsWith(`${name}.`))
    .map((each) => set.get(each) ?? { name: each, value: defaults[each], from: ofDefault })
}

function adaptersOf(
  { adapters = [] }: Pick<HoldfastConfig, 'adapters'>,
  from: Origin,
): readonly ConfigValue[] {
  return adapters.map((adapter) => ({
    name: 'adapters',
    value: typeof adapter === 'string' ? adapter : 'an adapter object',
    from,
  }))
}
