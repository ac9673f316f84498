import { dirname } from 'node:path'
import { HoldfastError } from '../errors.ts'
import { assertStoreOptions, CheckpointStore, StoreEventEmitter, type StoreOptions } from '../store/index.ts'
import { type AdapterOptions, openBackend } from './adapters.ts'
import { findConfig } from './config-file.ts'
import { parseLocation } from './location.ts'

export interface OpenStoreOptions<Name extends string = string> extends StoreOptions<Name>, AdapterOptions {}

/**
 * Opens a store, without touching it yet.
 *
 * `location` is a path or a URL (`file:///runs/a`, `s3://bucket/runs/a`, `gs://bucket/runs/a`,
 * `az://account/container/runs/a`, `mem:`). Without one it comes from `HOLDFAST_STORE`, or from
 * `holdfast.config.ts` or `.json` in this folder or above it; that file's other options hold beneath those
 * given here, whichever way the location came, and those of the backend where the location has the same scheme.
 *
 * Rejects with `CONFIG` for a place that cannot be a store, an adapter that is not installed, or a
 * configuration file that is not valid, and `INVALID_ARGUMENT` for options that are not.
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
  const { adapters, backend: backendOptions, ...given } = options
  const found = await findConfig()
  const { store: configured, backend: configuredBackend, ...beneath } = found?.config ?? {}
  const storeOptions: StoreOptions = { ...beneath, ...given }
  assertStoreOptions(storeOptions)
  const url = chooseUrl(location, configured, found?.file)
  const isConfigured =
    configured !== undefined &&
    found !== undefined &&
    url.protocol === locate(configured, found.file).protocol
  const events = new StoreEventEmitter()
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

/** A path in a configuration file is relative to that file. */
function locate(configured: string, file: string): URL {
  return parseLocation(configured, dirname(file))
}

function chooseUrl(
  location: string | undefined,
  configured: string | undefined,
  file: string | undefined,
): URL {
  if (location !== undefined) return parseLocation(location)
  const fromEnvironment = process.env['HOLDFAST_STORE']
  if (fromEnvironment !== undefined && fromEnvironment !== '') return parseLocation(fromEnvironment)
  if (configured !== undefined && file !== undefined) return locate(configured, file)
  throw new HoldfastError(
    'CONFIG',
    'Which store? Give a path or URL (--store), set HOLDFAST_STORE, or write one into holdfast.config.json: ' +
      '{ "store": "./checkpoints" }.',
  )
}
