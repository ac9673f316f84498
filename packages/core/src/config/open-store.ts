import { dirname } from 'node:path'
import type { BackendHooks, CheckpointBackend } from '../backend/index.ts'
import { HoldfastError } from '../errors.ts'
import { StoreEventEmitter } from '../store/context/events.ts'
import type { MirrorOptions } from '../store/mirror/options.ts'
import { assertStoreOptions, type StoreOptions } from '../store/options.ts'
import { CheckpointStore } from '../store/store.ts'
import { type AdapterOptions, type AdapterReference, loadReferences, openBackend } from './adapters.ts'
import {
  findConfig,
  findConfigData,
  type IgnoredConfig,
  type LoadedConfig,
  readConfig,
} from './config-file.ts'
import { refuseHopelessMirror } from './hopeless-mirror.ts'
import { parseLocation } from './location.ts'

/** Which configuration file applies. */
export interface ConfigChoice {
  /**
   * The configuration file: its path, which trusts it whoever owns it, or `false` for none. Default: the nearest
   * `holdfast.config.ts`, `.js` or `.json` from the working folder upwards, if it is trusted.
   */
  readonly config?: string | false | undefined
  /** Called if a configuration file was found and is not used. Default: a warning of the process. */
  readonly onIgnoredConfig?: ((ignored: IgnoredConfig) => void) | undefined
}

/** The options of `openStore()`. They take precedence over those of the configuration file. */
export interface OpenStoreOptions<
  Name extends string = string,
  Location extends string = string,
  MirrorLocation extends string = string,
> extends StoreOptions<Name, MirrorLocation>,
    AdapterOptions<Location>,
    ConfigChoice {
  /**
   * How this process uses the mirror that the options or the configuration name. `none`: it neither copies to it nor restores
   * from it. Otherwise these options take precedence over those of the mirror. Default: as the mirror's options say.
   */
  readonly mirrorUse?: 'none' | Pick<MirrorOptions, 'flushLimit' | 'takeOver'> | undefined
}

/**
 * Opens a store, without touching it yet.
 *
 * `location` is a path or a URL (`file:///runs/a`, `s3://bucket/runs/a`, `gs://bucket/runs/a`,
 * `az://account/container/runs/a`, `mem:`). Without one it comes from `HOLDFAST_STORE`, or from the configuration file.
 * The other options of that file apply beneath those given here, whichever way the location came, and those of the
 * backend if the location has the same scheme. Objectives of both are merged by name, and `space` and `background`
 * by their members.
 *
 * A configuration file that was not chosen by `config` is trusted only if it and all folders above it belong to this user
 * or root, and only they may write to them. If the location does not come from the file, a file that is not trusted, or
 * is code, is ignored, and so are its adapters: then nothing of it runs.
 *
 * The compiler checks the names of objectives in the options and in the calls of the store, if the options define objectives.
 * `openStore<'loss' | 'pck'>(...)` states those of a configuration file, and `openStore<string>(...)` turns the check off.
 *
 * Rejects with `CONFIG` for a place that cannot be a store or its mirror, an adapter that is not installed, or a configuration file
 * that is needed and not valid or not trusted, and `INVALID_ARGUMENT` for options that are not valid.
 *
 * @example
 * await using store = await openStore('./runs/a')
 * await store.save({ step: 1, files: { 'model.bin': bytes }, metrics: { loss: 0.5 } })
 * const restored = await store.restore('latest', { to: './resume' })
 */
export async function openStore<
  const Name extends string = never,
  const Location extends string = string,
  const MirrorLocation extends string = string,
>(
  location?: Location,
  options: OpenStoreOptions<Name, Location, MirrorLocation> = {},
): Promise<CheckpointStore<KnownObjectives<Name>>> {
  const { adapters, backend: backendOptions, config, onIgnoredConfig, mirrorUse, ...given } = options
  const place = await configuredPlace(location, { config, onIgnoredConfig })
  const objectives = { ...place.storeOptions.objectives, ...given.objectives }
  const mayBeJob = given.mode === undefined && given.ranks === undefined
  const job = given.job ?? (mayBeJob ? jobFromEnvironment() : undefined)
  const asJob = job === undefined ? {} : { job, mode: given.mode ?? 'exclusive' }
  const named = given.mirror ?? place.storeOptions.mirror
  const mirrored = named === undefined || mirrorUse === 'none' ? undefined : { ...named, ...mirrorUse }
  const storeOptions: StoreOptions = {
    ...place.storeOptions,
    ...given,
    ...asJob,
    objectives,
    space: joined(place.storeOptions.space, given.space),
    background: joined(place.storeOptions.background, given.background),
    mirror: mirrored,
  }
  assertStoreOptions(storeOptions)
  const events = new StoreEventEmitter()
  const hooks: BackendHooks = {
    threads: storeOptions.threads,
    onRetry: (event) => {
      events.emit('retry', event)
    },
  }
  const backend = await openPlace(place, { adapters, backend: backendOptions }, hooks)
  if (storeOptions.mirror === undefined) return new CheckpointStore(backend, storeOptions, undefined, events)
  const isConfigured = given.mirror === undefined
  const mirror = await openMirror(place, storeOptions.mirror, isConfigured, adapters, hooks)
  try {
    await refuseHopelessMirror(backend, mirror)
  } catch (error) {
    await Promise.all([backend.close(), mirror.close()])
    throw error
  }
  return new CheckpointStore(backend, storeOptions, undefined, events, mirror)
}

/** Returns the members of an option of the file with those of the caller on top. The caller may give only some of them. */
function joined<Option extends object>(
  ofTheFile: Option | undefined,
  given: Option | undefined,
): Option | undefined {
  return ofTheFile === undefined || given === undefined ? (given ?? ofTheFile) : { ...ofTheFile, ...given }
}

/** The objectives that the compiler knows. If the options define none, every name is possible. */
export type KnownObjectives<Name extends string> = [Name] extends [never] ? string : Name

/**
 * Opens the backend of a mirror. A relative path in the configuration file is relative to that file. The options of the store's
 * adapter do not apply to the mirror, which may be another service with other credentials.
 */
async function openMirror(
  place: ConfiguredPlace,
  { store, backend = {} }: MirrorOptions,
  isConfigured: boolean,
  adapters: AdapterOptions['adapters'],
  hooks: BackendHooks,
): Promise<CheckpointBackend> {
  const named = isConfigured && place.found !== undefined ? locate(store, place.found.file).href : store
  return openPlace({ ...place, named }, { adapters, backend }, hooks)
}

/** A location, and the configuration file that applies to it. */
export interface ConfiguredPlace {
  /** The location that the caller or the environment names; `undefined` if it comes from the file. */
  readonly named: string | undefined
  readonly found: LoadedConfig | undefined
  /** Adapters are code. They are not run from a file that was only found if the caller named a location. */
  readonly mayRunAdapters: boolean
  /** The options of the file that are not about the place. */
  readonly storeOptions: StoreOptions
}

/** Finds the configuration that applies to a location. */
export async function configuredPlace(
  location: string | undefined,
  { config, onIgnoredConfig }: ConfigChoice,
): Promise<ConfiguredPlace> {
  const named = location ?? fromEnvironment()
  const found = await configurationFor(config, named !== undefined, onIgnoredConfig ?? warnOfIgnored)
  const { store: _store, adapters: _adapters, backend: _backend, ...storeOptions } = found?.config ?? {}
  return { named, found, mayRunAdapters: config !== undefined || named === undefined, storeOptions }
}

/** Opens the backend of a location, with the options of the configuration beneath the given ones. */
export async function openPlace(
  { named, found, mayRunAdapters }: ConfiguredPlace,
  { adapters = [], backend }: AdapterOptions,
  hooks?: BackendHooks,
): Promise<CheckpointBackend> {
  const configured = found?.config ?? {}
  const url = chooseUrl(named, configured.store, found?.file)
  const isConfigured =
    configured.store !== undefined &&
    found !== undefined &&
    url.protocol === locate(configured.store, found.file).protocol
  const configuredAdapters: readonly AdapterReference[] =
    found === undefined || !mayRunAdapters
      ? []
      : await loadReferences(configured.adapters ?? [], dirname(found.file))
  return openBackend(
    url,
    {
      adapters: [...adapters, ...configuredAdapters],
      backend: backend ?? (isConfigured ? configured.backend : undefined),
    },
    hooks,
  )
}

async function configurationFor(
  chosen: string | false | undefined,
  isStoreNamed: boolean,
  onIgnored: (ignored: IgnoredConfig) => void,
): Promise<LoadedConfig | undefined> {
  if (chosen === false) return undefined
  if (chosen !== undefined) return readConfig(chosen)
  if (!isStoreNamed) return findConfig()
  const found = await findConfigData()
  if (found === undefined || 'config' in found) return found
  onIgnored(found)
  return undefined
}

function warnOfIgnored({ file, reason }: IgnoredConfig): void {
  process.emitWarning(
    `${file} is not used. ${reason} Pass its path as \`config\` to use it, or false for none.`,
    {
      type: 'HoldfastWarning',
      code: 'HOLDFAST_IGNORED_CONFIG',
    },
  )
}

/** A path in a configuration file is relative to that file. */
function locate(configured: string, file: string): URL {
  return parseLocation(configured, dirname(file))
}

/** An empty variable counts as unset. */
function fromEnvironment(): string | undefined {
  const { HOLDFAST_STORE: place = '' } = process.env
  return place === '' ? undefined : place
}

function jobFromEnvironment(): string | undefined {
  const { HOLDFAST_JOB: job = '' } = process.env
  return job === '' ? undefined : job
}

function chooseUrl(place: string | undefined, configured: string | undefined, file: string | undefined): URL {
  if (place !== undefined) return parseLocation(place)
  if (configured !== undefined && file !== undefined) return locate(configured, file)
  throw new HoldfastError(
    'CONFIG',
    'No store is named. Set HOLDFAST_STORE, or set "store" in holdfast.config.json: { "store": "./checkpoints" }.',
    { hint: { kind: 'name-store' } },
  )
}
