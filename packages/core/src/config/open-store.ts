import { dirname } from 'node:path'
import { HoldfastError } from '../errors.ts'
import { StoreEventEmitter } from '../store/events.ts'
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
import { parseLocation } from './location.ts'

export interface OpenStoreOptions<Name extends string = string> extends StoreOptions<Name>, AdapterOptions {
  /**
   * The configuration file: its path, which trusts it whoever owns it, or `false` for none. Default: the nearest
   * `holdfast.config.ts`, `.js` or `.json` from the working folder upwards, if it is trusted.
   */
  readonly config?: string | false | undefined
  /** Called if a configuration file was found and is not used. Default: a warning of the process. */
  readonly onIgnoredConfig?: ((ignored: IgnoredConfig) => void) | undefined
}

/**
 * Opens a store, without touching it yet.
 *
 * `location` is a path or a URL (`file:///runs/a`, `s3://bucket/runs/a`, `gs://bucket/runs/a`,
 * `az://account/container/runs/a`, `mem:`). Without one it comes from `HOLDFAST_STORE`, or from the configuration file.
 * The other options of that file apply beneath those given here, whichever way the location came, and those of the
 * backend if the location has the same scheme. Objectives of both are merged by name.
 *
 * A configuration file that was not chosen by `config` is trusted only if it and all folders above it belong to this user
 * or root, and only they may write to them. If the location does not come from the file, a file that is not trusted, or
 * is code, is ignored, and so are its adapters: then nothing of it runs.
 *
 * Rejects with `CONFIG` for a place that cannot be a store, an adapter that is not installed, or a configuration file
 * that is needed and not valid or not trusted, and `INVALID_ARGUMENT` for options that are not valid.
 *
 * @example
 * await using store = await openStore('./runs/a')
 * await store.save({ step: 1, files: { 'model.bin': bytes }, metrics: { loss: 0.5 } })
 * const restored = await store.restore('latest', { to: './resume' })
 */
export async function openStore<const Name extends string = never>(
  location?: string,
  options: OpenStoreOptions<Name> = {},
): Promise<CheckpointStore> {
  const { adapters: named = [], backend: backendOptions, config, onIgnoredConfig, ...given } = options
  const place = location ?? fromEnvironment()
  const found = await configurationFor(config, place !== undefined, onIgnoredConfig ?? warnOfIgnored)
  const {
    store: configured,
    adapters: configuredAdapters = [],
    backend: configuredBackend,
    ...beneath
  } = found?.config ?? {}
  const objectives = { ...beneath.objectives, ...given.objectives }
  const storeOptions: StoreOptions = { ...beneath, ...given, objectives }
  assertStoreOptions(storeOptions)
  const url = chooseUrl(place, configured, found?.file)
  const isConfigured =
    configured !== undefined &&
    found !== undefined &&
    url.protocol === locate(configured, found.file).protocol
  const events = new StoreEventEmitter()
  // Adapters are code. They are not run from a configuration file that was only found if the caller named a store.
  const mayRun = config !== undefined || place === undefined
  const adapters: readonly AdapterReference[] =
    found === undefined || !mayRun
      ? named
      : [...named, ...(await loadReferences(configuredAdapters, dirname(found.file)))]
  const backend = await openBackend(
    url,
    { adapters, backend: backendOptions ?? (isConfigured ? configuredBackend : undefined) },
    {
      onRetry: (event) => {
        events.emit('retry', event)
      },
    },
  )
  return new CheckpointStore(backend, storeOptions, undefined, events)
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

function chooseUrl(place: string | undefined, configured: string | undefined, file: string | undefined): URL {
  if (place !== undefined) return parseLocation(place)
  if (configured !== undefined && file !== undefined) return locate(configured, file)
  throw new HoldfastError(
    'CONFIG',
    'No store is named. Set HOLDFAST_STORE, or set "store" in holdfast.config.json: { "store": "./checkpoints" }.',
    { hint: { kind: 'name-store' } },
  )
}
